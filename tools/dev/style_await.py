# SPDX-License-Identifier: Apache-2.0
"""The await grammar: the forms of co_await that g++ 12 compiles correctly, and no others.

co_await stands as a full statement, as the initialiser of one named variable, right after
co_return, or as the whole right side of an assignment. No braces, lambdas, ?:, && or || in the
awaited expression. Never inside a catch block. A coroutine lambda captures nothing.
"""
import re

import style_text

_AWAIT = re.compile(r"\bco_await\b")
_LAMBDA = re.compile(r"(?<![\w\)\]\[])\s*\[(?!\[)([^\[\]]*)\]\s*(?=[({<]|mutable\b|noexcept\b|->)")
_BINARY = re.compile(r"\s(\+|-|\*|/|%|<<|>>|<|>|<=|>=|==|!=|\||&|\^|<=>)\s")


def _prefix(code, at):
    """What stands between the start of the statement and `at`; None inside brackets."""
    depth = 0
    for i in range(at - 1, -1, -1):
        char = code[i]
        if char in ")]":
            depth += 1
        elif char in "([":
            if depth == 0:
                return None
            depth -= 1
        elif char in ";{}" and depth == 0:
            initialiser = char == "{" and re.search(r"[\w>]$|[=,(]\s*$", code[max(0, i - 40):i])
            return None if initialiser else code[i + 1:at]
    return code[:at]


def _without_control(prefix):
    """The statement behind if (...), else, for (...), do, case ...: and attributes."""
    while True:
        prefix = prefix.strip()
        word = re.match(r"(if\s+constexpr|if|while|for|switch)\s*\(", prefix)
        if word:
            prefix = prefix[style_text.closing(prefix, word.end() - 1) + 1:]
            continue
        word = re.match(
            r"(?:else|do|try)\b|case\b(?:[^:]|::)*:(?!:)|default\s*:|\[\[(?:un)?likely\]\]", prefix)
        if not word:
            return prefix
        prefix = prefix[word.end():]


def _prefix_problem(prefix):
    if prefix is None:
        return "co_await inside brackets: await into a named local first"
    prefix = _without_control(prefix)
    if prefix in ("", "co_return"):
        return None
    if not re.search(r"(?<![=!<>])=$", prefix):
        return "co_await is no full statement, initialiser or whole right side"
    target = prefix[:-1]
    if re.search(r"\bauto\s*&?&?\s*\[", target):
        return "co_await initialises a structured binding: name one variable"
    if "?" in target:
        return "co_await behind a condition in one expression"
    return None


def _expression_problem(code, at):
    end = code.find(";", at)
    expression = code[at:end if end >= 0 else len(code)]
    for token, name in (("{", "braces"), ("?", "?:"), ("&&", "&&"), ("||", "||")):
        if token in expression:
            return f"{name} in an awaited expression"
    if _LAMBDA.search(expression):
        return "a lambda in an awaited expression"
    depth = 0
    flat = []
    for char in expression:
        depth += char in "(["
        flat.append(char if depth == 0 else "x")
        depth -= char in ")]"
    if _BINARY.search("".join(flat)):
        return "co_await is only part of the right side"
    return None


def _catch_blocks(code):
    for match in re.finditer(r"\bcatch\s*\(", code):
        brace = code.find("{", style_text.closing(code, match.end() - 1))
        if brace >= 0:
            yield brace, style_text.closing(code, brace)


def _capturing_lambdas(code):
    """(offset, captures, body without the bodies of inner lambdas)."""
    spans = []
    for match in _LAMBDA.finditer(code):
        at = match.end()
        at = re.compile(r"\s*").match(code, at).end()
        while at < len(code) and code[at] not in "{;":
            at = style_text.closing(code, at) + 1 if code[at] in "([" else at + 1
        if at < len(code) and code[at] == "{":
            spans.append((match.start(1), match.group(1).strip(), at, style_text.closing(code, at)))
    for offset, captures, first, last in spans:
        body = list(code[first:last])
        for _, _, inner_first, inner_last in spans:
            if first < inner_first and inner_last < last:
                body[inner_first - first:inner_last - first] = " " * (inner_last - inner_first)
        yield offset, captures, "".join(body)


def problems(code):
    """(offset, message) of each breach of the grammar in scrubbed code."""
    if "co_" not in code:
        return
    catches = list(_catch_blocks(code))
    for match in _AWAIT.finditer(code):
        at = match.start()
        if re.search(r"\boperator\s*$", code[max(0, at - 16):at]):
            continue
        if any(first < at < last for first, last in catches):
            yield at, "co_await in a catch block: keep the error, leave the handler, then await"
        problem = _prefix_problem(_prefix(code, at)) or _expression_problem(code, match.end())
        if problem:
            yield at, problem
    for offset, captures, body in _capturing_lambdas(code):
        if captures and re.search(r"\bco_(await|return|yield)\b", body):
            yield offset, f"a coroutine lambda captures [{captures}]: pass it as a parameter"
