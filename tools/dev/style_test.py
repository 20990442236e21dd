#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each rule of style.py must find its bad snippet and leave its good ones alone."""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import style  # noqa: E402

CPP_HEAD = "// SPDX-License-Identifier: Apache-2.0\n"
HPP_HEAD = CPP_HEAD + "#pragma once\n\n// A role.\n\n"


def rules(text, path="lib/src/x.cpp", head=None):
    head = head if head is not None else (HPP_HEAD if path.endswith(".hpp") else CPP_HEAD)
    return {rule for _, rule, _ in style.check_text(path, head + text)}


def awaits(statement):
    """Whether a coroutine with this body keeps the await grammar."""
    return "await" not in rules(f"task<int> f(int a) {{\n  {statement}\n  co_return a;\n}}\n")


class Anatomy(unittest.TestCase):
    def test_accepts_a_plain_header(self):
        text = "namespace lentic {\nint f();\n}  // namespace lentic\n"
        self.assertEqual(rules(text, "lib/include/lentic/x.hpp"), set())

    def test_finds_a_missing_licence(self):
        self.assertIn("licence", rules("int x;\n", head=""))

    def test_finds_a_missing_pragma_once(self):
        self.assertIn("pragma-once", rules("// Role.\n", "lib/src/x.hpp", CPP_HEAD))

    def test_finds_a_missing_file_comment(self):
        found = rules("#include <vector>\n", "lib/src/x.hpp", CPP_HEAD + "#pragma once\n")
        self.assertIn("file-comment", found)

    def test_finds_long_lines_and_tabs(self):
        self.assertIn("columns", rules("//" + "x" * 99 + "\n"))
        self.assertNotIn("columns", rules("//" + "x" * 98 + "\n"))
        self.assertIn("tab", rules("\tint x;\n"))

    def test_finds_a_long_file(self):
        self.assertIn("file-length", rules("\n" * 500))
        self.assertNotIn("file-length", rules("\n" * 499))

    def test_scripts_need_the_licence_too(self):
        self.assertIn("licence", rules("set -u\n", "dev", "#!/usr/bin/env bash\n"))
        shebang = "#!/usr/bin/env bash\n# SPDX-License-Identifier: Apache-2.0\n"
        self.assertEqual(rules("set -u\n", "dev", shebang), set())


class Functions(unittest.TestCase):
    def long(self, opening, lines, closing="}\n"):
        return "function-length" in rules(opening + "\n" + "  g();\n" * lines + closing)

    def test_counts_from_the_declaration_to_the_closing_brace(self):
        self.assertFalse(self.long("void f() {", 68))
        self.assertTrue(self.long("void f() {", 69))

    def test_finds_members_templates_and_tests(self):
        self.assertTrue(self.long("class c {\n public:\n  c() : a_{1}, b_(2) {", 70, "  }\n};\n"))
        self.assertTrue(self.long("template <class T>\ntask<T> f(T x) {", 70))
        self.assertTrue(self.long("TEST(Suite, Claim) {", 70))

    def test_namespaces_classes_and_tables_are_no_functions(self):
        self.assertFalse(self.long("namespace a::b {", 100))
        self.assertFalse(self.long("struct [[nodiscard]] s : base<int> {", 100, "};\n"))
        self.assertFalse(self.long("template <class T>\nclass s {", 100, "};\n"))
        self.assertFalse(self.long("enum class e : int {", 100, "};\n"))
        self.assertFalse(self.long("constexpr int table[] = {", 100, "};\n"))

    def test_braces_in_literals_and_comments_do_not_count(self):
        text = "void f() {\n  g(\"}{\", '{', R\"(}}})\");  // }\n}\n"
        self.assertEqual(rules(text + "void h() {\n" + "  g();\n" * 60 + "}\n"), set())


class Includes(unittest.TestCase):
    def test_finds_umbrella_headers(self):
        self.assertIn("include", rules("#include <asio.hpp>\n"))
        self.assertIn("include", rules("#include <range/v3/all.hpp>\n"))
        self.assertEqual(rules("#include <asio/post.hpp>\n#include \"private.hpp\"\n"), set())

    def test_public_headers_are_included_with_angle_brackets(self):
        self.assertIn("include", rules("#include \"lentic/coro/task.hpp\"\n"))
        self.assertIn("include", rules("#include \"x.hpp\"\n", "lib/include/lentic/y.hpp"))
        self.assertIn("include", rules("#include <private.hpp>\n"))

    def test_finds_an_include_of_a_higher_floor(self):
        higher = "#include <lentic/windows/key_schema.hpp>\n"
        self.assertIn("floor", rules(higher))
        self.assertIn("floor", rules("#include <lentic/bytes.hpp>\n", "coro/src/x.cpp"))
        self.assertNotIn("floor", rules(higher, "windows/src/x.cpp"))

    def test_public_headers_need_no_tool_libraries(self):
        self.assertIn("include", rules("#include <fmt/core.h>\n", "lib/include/lentic/y.hpp"))
        self.assertEqual(rules("#include <fmt/core.h>\n", "tools/src/y.cpp"), set())


class Words(unittest.TestCase):
    def test_finds_markers_without_an_owner(self):
        self.assertIn("todo", rules("// TODO: later\n"))
        self.assertNotIn("todo", rules("// TODO(#12): later\n"))

    def test_finds_dead_code(self):
        self.assertIn("dead-code", rules("#if 0\n#endif\n"))

    def test_finds_using_namespace_in_headers_only(self):
        using = "using namespace std;\n"
        self.assertIn("using-namespace", rules(using, "lib/src/x.hpp"))
        self.assertNotIn("using-namespace", rules(using))

    def test_finds_forbidden_words_in_code_but_not_in_comments(self):
        self.assertIn("volatile", rules("volatile int x;\n"))
        self.assertIn("cast", rules("auto p = reinterpret_cast<int*>(q);\n"))
        self.assertIn("detached", rules("co_spawn(e, f(), asio::detached);\n"))
        self.assertIn("stdout", rules("void f() { std::cout << 1; }\n"))
        self.assertEqual(rules("// volatile, reinterpret_cast, detached\n"), set())

    def test_the_coroutine_floor_may_cast_and_detach_where_it_must(self):
        self.assertEqual(rules("struct detached {};\n", "coro/include/lentic/coro/x.hpp"), set())
        self.assertNotIn("cast", rules("auto p = reinterpret_cast<int*>(q);\n", "coro/src/x.cpp"))


class System(unittest.TestCase):
    def test_finds_files_clocks_and_randomness(self):
        for text in ("int fd = ::open(p, 0);", "n = ::read(fd, b, 1);", "if (pread(fd, b, 1, 0))",
                     "fdatasync(fd);", "auto t = std::chrono::steady_clock::now();",
                     "std::random_device seed;", "std::ofstream out(p);", "return fsync(fd);",
                     "x = rand();", "p = mmap(nullptr, 1, 0, 0, fd, 0);",
                     "bool b = std::filesystem::exists(p);"):
            self.assertIn("system", rules(f"void f() {{ {text} }}\n"), text)
            self.assertIn("system", rules(f"void f() {{ {text} }}\n", "tools/src/x.cpp"), text)
        self.assertIn("system", rules("#include <fstream>\n"))

    def test_members_and_declarations_of_the_same_names_are_ours(self):
        for text in ("task<file> open(path p);", "auto f = environment::open(p);",
                     "static io_request fsync(int fd);", "store.read(key);",
                     "auto r = io_request::fdatasync(fd);", "auto b = strand(x);"):
            self.assertNotIn("system", rules(text + "\n"), text)

    def test_engines_and_tests_may(self):
        text = "void f() { ::open(p, 0); }\n"
        self.assertNotIn("system", rules(text, "coro/src/uring_engine.cpp"))
        self.assertNotIn("system", rules(text, "coro/src/posix_file.cpp"))
        self.assertNotIn("system", rules(text, "tests/lib/x_test.cpp"))
        self.assertIn("system", rules(text, "coro/src/scope.cpp"))


class AwaitGrammar(unittest.TestCase):
    def test_accepts_the_four_forms(self):
        for text in ("co_await f();", "const auto x = co_await f(a, std::move(b));",
                     "co_return co_await f();", "x = co_await g(a);", "x += co_await g(a);",
                     "self.slots_[i] = co_await g(slots[i]);", "while (a) co_await idle.wait();",
                     "if (a) {\n    b();\n  } else {\n    co_await g();\n  }",
                     "for (;;) co_await f();", "switch (a) {\n    case x::y: co_await f();\n  }",
                     "file f = co_await file::open(engine, path, mode::read);",
                     "co_await f(a->b, *c, -1, d.e());", "int y = co_await f<int, 2>(a);"):
            self.assertTrue(awaits(text), text)

    def test_rejects_an_await_in_a_condition(self):
        for word in ("if", "while", "switch"):
            self.assertFalse(awaits(f"{word} (co_await f()) g();"), word)
        self.assertFalse(awaits("for (auto x : co_await f()) g(x);"))
        self.assertFalse(awaits("do {\n    a = 1;\n  } while (co_await f());"))

    def test_rejects_an_await_inside_another_expression(self):
        for text in ("g(co_await f());", "auto x = a + co_await f();", "x = a ? co_await f() : 0;",
                     "auto x = co_await f() + 1;", "std::vector<int> v{co_await f()};",
                     "co_return a && co_await f();", "auto [p, q] = co_await f();",
                     "auto x = (co_await f()).size();", "return_value = a == co_await f();"):
            self.assertFalse(awaits(text), text)

    def test_rejects_braces_lambdas_and_conditions_in_arguments(self):
        for text in ("co_await f({1, 2});", "co_await f(pair{a, b});", "co_await f(a ? b : c);",
                     "co_await f(a && b);", "co_await f(a || b);", "co_await f([&] { g(); });"):
            self.assertFalse(awaits(text), text)

    def test_rejects_an_await_in_a_handler(self):
        self.assertFalse(awaits("try {\n    g();\n  } catch (...) {\n    co_await f();\n  }"))
        self.assertTrue(awaits("try {\n    co_await f();\n  } catch (...) {\n    g();\n  }"))

    def test_rejects_a_coroutine_lambda_with_captures(self):
        self.assertFalse(awaits("auto l = [a]() -> task<> { co_await f(a); };"))
        self.assertFalse(awaits("auto l = [&] { co_return; };"))
        self.assertTrue(awaits("auto l = [](int a) -> task<> { co_await f(a); };"))
        self.assertTrue(awaits("auto l = [a] { return a; };"))

    def test_an_outer_lambda_may_capture_when_only_an_inner_one_is_a_coroutine(self):
        self.assertTrue(awaits("auto l = [a] {\n    run([](int b) -> task<> { co_await f(b); }(a));"
                               "\n  };"))

    def test_the_operator_and_comments_are_no_awaits(self):
        self.assertEqual(rules("awaiter operator co_await() && noexcept;  // if (co_await x)\n"),
                         set())


if __name__ == "__main__":
    unittest.main()
