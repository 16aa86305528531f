"""Cells that do their worst: a clear error in the right place, and the next cell runs."""

import re

import pytest


def plain(outcome):
    return re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(outcome.reply["traceback"]))


@pytest.fixture(autouse=True)
def lives_on(kernel):
    yield
    assert kernel.run("6 * 7").ok().result == "42"


@pytest.mark.parametrize(
    "code, ename",
    [
        ("def f(:\n  pass", "SyntaxError"),
        ("x = 'open", "SyntaxError"),
        ("  x = 1\n y", "IndentationError"),
        ("if True:\nx", "IndentationError"),
        ("return 5", "SyntaxError"),
        ("1 = 2", "SyntaxError"),
        ("\x00", "SyntaxError"),
        ("nonlocal x", "SyntaxError"),
        ("x = 08", "SyntaxError"),
        ("f'{'", "SyntaxError"),
    ],
)
def test_what_python_cannot_read(kernel, code, ename):
    outcome = kernel.run(code)
    assert outcome.status == "error"
    assert outcome.reply["ename"] == ename or (
        code == "\x00" and outcome.reply["ename"] == "ValueError"
    )
    assert outcome.types.count("error") == 1


def test_a_syntax_error_shows_line_and_place(kernel):
    outcome = kernel.run("a = 1\nb = = 2").failed("SyntaxError")
    text = plain(outcome)
    assert (
        f"Cell In[{outcome.reply['execution_count']}], line 2" in text
        and "b = = 2" in text
        and "^" in text
    )
    assert "invalid syntax" in outcome.reply["evalue"]


@pytest.mark.parametrize(
    "code, ename, evalue",
    [
        ("nope", "NameError", "name 'nope' is not defined"),
        ("[][1]", "IndexError", "list index out of range"),
        ("{}['ş']", "KeyError", "'ş'"),
        ("import no_such_module", "ModuleNotFoundError", "No module named 'no_such_module'"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt", ""),
        ("raise StopIteration(3)", "StopIteration", "3"),
        ("raise GeneratorExit", "GeneratorExit", ""),
        ("import asyncio; raise asyncio.CancelledError('x')", "CancelledError", "x"),
        (
            "import asyncio; await asyncio.sleep(0); raise ValueError('after await')",
            "ValueError",
            "after await",
        ),
        ("raise MemoryError('none left')", "MemoryError", "none left"),
        ("[0] * (2**62)", "MemoryError", ""),
        ("assert False, 'böyle'", "AssertionError", "böyle"),
        ("raise 5", "TypeError", "exceptions must derive from BaseException"),
        ("class Mine(BaseException): pass\nraise Mine('own')", "Mine", "own"),
    ],
)
def test_errors_keep_name_and_text(kernel, code, ename, evalue):
    assert kernel.run(code).failed(ename).reply["evalue"] == evalue


@pytest.mark.parametrize(
    "code", ["raise SystemExit", "raise SystemExit(3)", "import sys; sys.exit('bye')"]
)
def test_system_exit_is_an_error_and_no_exit(kernel, code):
    outcome = kernel.run(code).failed("SystemExit")
    assert outcome.types.count("error") == 1
    assert not [p for p in outcome.reply["payload"] if p["source"] == "ask_exit"]


def test_a_failing_repr_is_a_normal_error(kernel):
    outcome = kernel.run(
        "class Bad:\n    def __repr__(self): raise ValueError('in repr')\nBad()"
    ).failed("ValueError")
    assert outcome.reply["evalue"] == "in repr" and "__repr__" in plain(outcome)
    assert outcome.types == ["execute_input", "error"]


@pytest.mark.parametrize(
    "body",
    [
        "return 5",
        "return None",
        "raise KeyboardInterrupt",
        "raise SystemExit",
        "return '\\ud800'",
        "return self.__repr__()",
    ],
)
def test_a_repr_can_fail_in_other_ways(kernel, body):
    outcome = kernel.run(f"class Bad:\n    def __repr__(self): {body}\nBad()")
    assert outcome.status == "error" or outcome.result is not None


def test_a_failing_display_is_shown_in_its_place(kernel):
    kernel.shown_errors = True
    code = (
        "from IPython.display import display\nclass Bad:\n"
        "    def __repr__(self): raise ValueError('in repr')\n"
        "print('before')\ndisplay(Bad())\nprint('after')"
    )
    outcome = kernel.run(code)
    assert outcome.stdout.startswith("before\n") and outcome.types[1:3] == ["stream", "error"]
    assert outcome.contents("error")[0]["evalue"] == "in repr"


def test_an_exception_whose_text_fails(kernel):
    code = "class Bad(Exception):\n    def __str__(self): raise RuntimeError('no text')\nraise Bad"
    outcome = kernel.run(code).failed("Bad")
    assert isinstance(outcome.reply["evalue"], str)


def test_an_exception_with_half_characters(kernel):
    outcome = kernel.run("raise ValueError('a\\ud800b\\x00c')").failed("ValueError")
    assert outcome.reply["evalue"].startswith("a")


def test_an_exception_group_is_a_normal_error(kernel):
    outcome = kernel.run(
        "raise ExceptionGroup('küme', [ValueError('bir'), TypeError('iki')])"
    ).failed("ExceptionGroup")
    assert outcome.reply["evalue"] == "küme (2 sub-exceptions)"
    text = plain(outcome)
    assert "ValueError: bir" in text and "TypeError: iki" in text
    assert outcome.types == ["execute_input", "error"]


def test_a_group_from_tasks_is_a_normal_error(kernel):
    code = (
        "import asyncio\nasync def bad(): raise ValueError('x')\n"
        "async with asyncio.TaskGroup() as g:\n"
        "    g.create_task(bad())"
    )
    kernel.run(code).failed("ExceptionGroup")


def test_endless_recursion_is_folded(kernel):
    outcome = kernel.run("def f(n): return f(n + 1)\nf(0)").failed("RecursionError")
    lines = plain(outcome).split("\n")
    assert len(lines) <= 60, len(lines)
    assert any("repeated" in line or "skipping" in line for line in lines)


def test_recursion_in_turns_is_folded_too(kernel):
    outcome = kernel.run("def a(): return b()\ndef b(): return a()\na()").failed("RecursionError")
    assert len(plain(outcome).split("\n")) <= 60


def test_chained_errors_show_both(kernel):
    text = plain(
        kernel.run("try:\n    1/0\nexcept ZeroDivisionError as e:\n    raise KeyError('k') from e")
    )
    assert "ZeroDivisionError" in text and "direct cause" in text


def test_an_error_far_down_shows_the_cell(kernel):
    outcome = kernel.run("import json\njson.loads('{')").failed("JSONDecodeError")
    text = plain(outcome)
    assert "Cell In" in text and "decoder.py" in text


def test_a_failing_destructor_is_told(kernel):
    outcome = kernel.run(
        "class D:\n    def __del__(self): raise ValueError('in del')\nd = D()\ndel d"
    ).ok()
    assert "in del" in outcome.stderr


def test_a_failing_event_hook_does_no_harm(kernel):
    kernel.shown_errors = True
    kernel.run(
        "def bad(*a): raise ValueError('in hook')\n"
        "get_ipython().events.register('post_execute', bad)"
    ).ok()
    try:
        outcome = kernel.run("'result'")
    finally:
        kernel.run("get_ipython().events.unregister('post_execute', bad)")
    assert (
        outcome.result == "'result'"
        and "in hook" in str(outcome.contents("error")) + outcome.stdout
    )


@pytest.mark.parametrize(
    "code",
    [
        "sys.stdout = None",
        "sys.stderr = None",
        "sys.stdout.close()",
        "del sys.stdout",
        "sys.stdout = sys.stderr = 5",
        "import os; os.close(0)",
        "sys.displayhook = None",
        "sys.stdin = None",
        "sys.excepthook = None",
        "sys.modules.clear()",
        "get_ipython().displayhook = None",
        "del globals()['__builtins__']",
    ],
)
def test_losing_what_the_kernel_uses_does_no_harm(start, code):
    client = start().client()
    client.shown_errors = True
    client.run("import sys\n" + code)
    client.run("pass", stop_on_error=False)
    assert client.ask("kernel_info_request").status == "ok"
    assert client.kernel.process.poll() is None


def test_stdout_is_there_again_in_the_next_cell(start):
    client = start().client()
    for code in ("sys.stdout = None", "sys.stderr = None", "sys.stdout.close()"):
        client.run("import sys\n" + code)
        outcome = client.run("print('out')\nimport sys\nprint('err', file=sys.stderr)").ok()
        assert outcome.runs == [("stdout", "out\n"), ("stderr", "err\n")], code


def test_names_that_hide_builtins_do_no_harm(start):
    client = start().client()
    client.run(
        "print = len = str = repr = open = input = Exception = display = None\nimport os as sys"
    ).ok()
    client.run("1/0", stop_on_error=False).failed("ZeroDivisionError")
    assert client.run("'ş'").ok().result == "'ş'"
    assert client.ask("complete_request", {"code": "le", "cursor_pos": 2}).status == "ok"


def test_a_folder_that_is_gone_does_no_harm(start, tmp_path):
    client = start().client()
    client.run("import os, tempfile\nd = tempfile.mkdtemp(); os.chdir(d); os.rmdir(d)").ok()
    client.run("1/0", stop_on_error=False).failed("ZeroDivisionError")
    assert client.run("6 * 7").ok().result == "42"


def test_a_source_that_fails_in_a_custom_traceback_handler(kernel):
    kernel.shown_errors = True
    kernel.run(
        "def handler(self, etype, value, tb, tb_offset=None): raise RuntimeError('in handler')\n"
        "get_ipython().set_custom_exc((KeyError,), handler)"
    ).ok()
    assert kernel.run("{}['x']").status == "error"
    kernel.run("get_ipython().set_custom_exc((), None)").ok()


def test_deep_source_is_an_error(kernel):
    assert kernel.run("(" * 5000 + ")" * 5000).status == "error"
    assert kernel.run("-" * 200_000 + "1", 30).status == "error"


def test_a_long_error_text_arrives_whole(kernel):
    assert (
        len(kernel.run("raise ValueError('x' * 1_000_000)").failed("ValueError").reply["evalue"])
        == 1_000_000
    )
