"""is_complete, complete and inspect."""

import re

import pytest

FLAME = "\U0001f525"


@pytest.mark.parametrize(
    "code",
    [
        "1 + 1",
        "print('a')",
        "x = [1,\n2]",
        "",
        "%time 1",
        "!ls",
        "def f():\n  return 1\n",
        "for i in []:\n    pass\n\n",
        "await f()",
        "ş = 1",
        "print?",
        "%%bash\nls\n\n",
    ],
)
def test_complete_code(kernel, code):
    assert kernel.ask("is_complete_request", {"code": code}).reply == {"status": "complete"}


@pytest.mark.parametrize(
    "code, indent",
    [
        ("for i in range(3):", "    "),
        ("def f(x):\n    if x:", "        "),
        ("x = (1,", ""),
        ('"""open', ""),
        ("if True:\n  y = 1", "  "),
        ("class A:\n\tdef f(self):", "        "),
    ],
)
def test_incomplete_code_has_the_next_lines_indent(kernel, code, indent):
    reply = kernel.ask("is_complete_request", {"code": code}).reply
    assert reply["status"] == "incomplete"
    if "(" not in code.split("\n")[-1] or code.endswith(":"):
        assert (
            reply["indent"].expandtabs(8).strip() == ""
            and len(reply["indent"].expandtabs(8)) >= len(indent) / 2
        )
    if "\t" not in code and code.endswith(":"):
        assert reply["indent"] == indent


@pytest.mark.parametrize("code", ["import = 7q", "1 1", "x = )", "def 3(): pass", "0777"])
def test_invalid_code(kernel, code):
    assert kernel.ask("is_complete_request", {"code": code}).reply == {"status": "invalid"}


def complete(kernel, code, cursor=None):
    reply = kernel.ask(
        "complete_request", {"code": code, "cursor_pos": len(code) if cursor is None else cursor}
    ).reply
    assert reply["status"] == "ok"
    assert all(isinstance(match, str) for match in reply["matches"])
    assert 0 <= reply["cursor_start"] <= reply["cursor_end"] <= len(code)
    return reply


@pytest.mark.parametrize(
    "before", ["", "ığüşöç = 1; ", f"x = '{FLAME}{FLAME}'; ", f"'İ{FLAME}ş'\n\n", "\t# \u0301\n"]
)
def test_the_cursor_counts_code_points(kernel, before):
    kernel.run("class Lamp:\n    brightness = 1\nlamp = Lamp()").ok()
    code = before + "lamp.bri"
    reply = complete(kernel, code)
    assert reply["cursor_end"] == len(code)
    whole = code[: reply["cursor_start"]] + reply["matches"][0]
    assert whole == before + "lamp.brightness"


def test_text_behind_the_cursor_is_left_alone(kernel):
    kernel.run("lantern = 1").ok()
    reply = complete(kernel, f"lante + '{FLAME}'", 5)
    assert reply["matches"] == ["lantern"] and (reply["cursor_start"], reply["cursor_end"]) == (
        0,
        5,
    )


def test_names_keywords_modules_magics_and_files(kernel):
    assert complete(kernel, "zi")["matches"] == ["zip"]
    assert "print" in complete(kernel, "prin")["matches"]
    assert "import" in complete(kernel, "impo")["matches"]
    assert any(match.endswith("matplotlib") for match in complete(kernel, "%matplotl")["matches"])
    assert "asyncio" in complete(kernel, "import asynci")["matches"]
    kernel.run("d = {'anahtar': 1}").ok()
    assert any("anahtar" in match for match in complete(kernel, "d['anah")["matches"])
    kernel.run("ışık_değeri = 2").ok()
    assert complete(kernel, "ışık_d")["matches"] == ["ışık_değeri"]


def test_types_of_completions_are_told(kernel):
    reply = complete(kernel, "zi")
    kinds = reply["metadata"]["_jupyter_types_experimental"]
    assert [kind["text"] for kind in kinds] == reply["matches"]
    assert all({"start", "end", "text", "type"} <= set(kind) for kind in kinds)


@pytest.mark.parametrize(
    "code, cursor",
    [
        ("", 0),
        ("   ", 3),
        ("x.", 2),
        ("lamp", 0),
        ("1 +", 3),
        ("(((", 3),
        ("\n\n", 1),
        ("import ", 7),
        ("nosuchname.", 11),
    ],
)
def test_completion_without_an_answer_is_still_a_reply(kernel, code, cursor):
    complete(kernel, code, cursor)


@pytest.mark.parametrize("cursor", [-1, -(10**6), 10**6, 2**31, 2**40])
def test_a_cursor_outside_the_code_is_clamped(kernel, cursor):
    for kind in ("complete_request", "inspect_request"):
        reply = kernel.ask(kind, {"code": "print", "cursor_pos": cursor}).reply
        assert reply["status"] == "ok"


def test_a_property_that_raises_does_not_break_completion(kernel):
    kernel.run(
        "class Bad:\n    @property\n    def attr(self): raise ValueError\n"
        "    def __dir__(self): raise RuntimeError('dir')\n"
        "    def __getattr__(self, n): raise KeyError(n)\n"
        "bad = Bad()"
    ).ok()
    complete(kernel, "bad.")
    kernel.ask("inspect_request", {"code": "bad.attr", "cursor_pos": 8})


def plain(text):
    """Without the colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def inspect(kernel, code, cursor=None, **more):
    at = len(code) if cursor is None else cursor
    return kernel.ask(
        "inspect_request", {"code": code, "cursor_pos": at, "detail_level": 0, **more}
    ).reply


def test_inspect_tells_signature_and_docstring(kernel):
    kernel.run(
        'def measure(length, unit="m"):\n    """Belgeleme: uzunluğu ölçer."""\n    return length'
    ).ok()
    reply = inspect(kernel, "measure")
    assert (reply["status"], reply["found"], reply["metadata"]) == ("ok", True, {})
    text = plain(reply["data"]["text/plain"])
    assert "uzunluğu ölçer" in text and "length" in text and "return length" not in text
    assert "return length" in plain(
        inspect(kernel, "measure", detail_level=1)["data"]["text/plain"]
    )


def test_inspect_inside_a_call_finds_the_function(kernel):
    assert inspect(kernel, f"'{FLAME}'; print(", None)["found"] is True
    assert "sep" in inspect(kernel, "print(1, 2", 6)["data"]["text/plain"]


def test_inspect_of_nothing_is_not_found(kernel):
    for code in ("no_such_name", "", "1 +", "   "):
        reply = inspect(kernel, code)
        assert (reply["status"], reply["found"], reply["data"]) == ("ok", False, {})


def test_asking_leaves_counter_and_output_alone(kernel):
    before = kernel.run("1").ok().reply["execution_count"]
    for _ in range(3):
        complete(kernel, "prin")
        inspect(kernel, "print")
        kernel.ask("is_complete_request", {"code": "1"})
    assert kernel.run("1").ok().reply["execution_count"] == before + 1
