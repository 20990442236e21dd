# SPDX-License-Identifier: Apache-2.0
"""C++ text without a compiler: scrub comments and literals, match brackets, find functions.

Heuristics for code that clang-format has laid out; they never need to be right about macros that
change the grammar, because the project has none.
"""
import re

_TOKEN = re.compile(
    r"//[^\n]*(?:\\\n[^\n]*)*"
    r"|/\*.*?\*/"
    r"|(?:u8|[uUL])?R\"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)\""
    r"|\"(?:\\.|[^\"\\\n])*\""
    r"|(?<![0-9a-fA-F])(?:u8|[uUL])?'(?:\\.|[^'\\\n])+'",
    re.S)


def _blank(match):
    text = match.group(0)
    kept = re.sub(r"[^\n]", " ", text)
    if text[0] != "/" and "\n" not in text and len(text) >= 2:
        return '"' + kept[1:-1] + '"'
    return kept


def scrub(text):
    """The text with comments and literals blanked; same length, same lines."""
    return _TOKEN.sub(_blank, text)


def closing(code, start):
    """Offset of the bracket that closes the one at `start`; the end of the text when none does."""
    pairs = {"(": ")", "{": "}", "[": "]"}
    opened, closed = code[start], pairs[code[start]]
    depth = 0
    for match in re.compile("[" + re.escape(opened + closed) + "]").finditer(code, start):
        depth += 1 if match.group(0) == opened else -1
        if depth == 0:
            return match.start()
    return len(code)


def _without_template(header):
    """The declaration behind `template <...>` and a requires clause's own angle brackets."""
    header = header.strip()
    while header.startswith("template"):
        depth, at = 0, header.find("<")
        if at < 0:
            return header
        for at in range(at, len(header)):
            depth += (header[at] == "<") - (header[at] == ">")
            if depth == 0:
                break
        header = header[at + 1:].strip()
    return header


_CONTAINER = re.compile(
    r"^(?:(?:public|private|protected)\s*:\s*)*(?:requires\b.*?\s)?"
    r"(?:(?:inline|constexpr|static|const|typedef|constinit|thread_local)\s+)*"
    r"(namespace|class|struct|union|enum|extern\s*\")", re.S)


def _kind(header):
    """What a brace behind `header` opens outside of a function."""
    bare = _without_template(re.sub(r"^(?:\s*(?:public|private|protected)\s*:)+", "", header))
    if _CONTAINER.match(bare):
        return "container"
    if re.search(r"\brequires\s*(?:\([^()]*\)\s*)?$", bare):
        return "aside"  # a requires expression: the declaration goes on behind it
    if "(" not in bare or bare.endswith("="):
        return "aside"
    tail = bare[bare.rfind(")") + 1:]
    initialisers = re.search(r"\)[\s\w]*:(?!:)[^;]*$", bare)
    if initialisers and re.search(r"[\w>]$", bare) and not re.search(
            r"\b(?:const|noexcept|override|final|try)$", bare):
        return "aside"  # member initialiser with braces
    if tail.endswith(","):
        return "aside"
    return "function"


def functions(code):
    """(offset of the declaration, offset of the closing brace, name) of each function."""
    code = re.sub(r"^[ \t]*#[^\n]*", lambda m: " " * len(m.group(0)), code, flags=re.M)
    found = []
    start = 0
    for_scan = re.compile(r"[;{}]")
    match = for_scan.search(code)
    while match:
        at = match.start()
        if code[at] != "{":
            start = at + 1
            match = for_scan.search(code, at + 1)
            continue
        header = code[start:at]
        kind = _kind(header)
        if kind == "container":
            start = at + 1
            match = for_scan.search(code, at + 1)
            continue
        end = closing(code, at)
        if kind == "function":
            first = start + len(header) - len(header.lstrip())
            name = re.search(r"([\w:~]+)\s*\(", _without_template(header))
            found.append((first, end, name.group(1) if name else "function"))
            start = end + 1
        match = for_scan.search(code, end + 1)
    return found
