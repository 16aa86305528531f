"""One cell: its outputs, its counter, its options, its error."""

import re

import pytest


def test_a_cell_gives_busy_input_outputs_reply_idle(kernel):
    outcome = kernel.run("import sys\nprint('out')\nprint('err', file=sys.stderr)\n6 * 7").ok()
    assert outcome.types == ["execute_input", "stream", "stream", "execute_result"]
    assert outcome.runs == [("stdout", "out\n"), ("stderr", "err\n")]
    assert outcome.result == "42"
    assert outcome.contents("execute_input")[0]["code"].endswith("6 * 7")
    assert outcome.reply["user_expressions"] == {} and outcome.reply["payload"] == []


def test_the_reply_says_when_the_cell_began(kernel):
    assert "started" in kernel.run("pass").reply_message.metadata


def test_the_counter_rises_by_one_and_agrees_everywhere(kernel):
    first = kernel.run("'a'").ok()
    second = kernel.run("'b'").ok()
    assert second.reply["execution_count"] == first.reply["execution_count"] + 1
    for outcome in (first, second):
        count = outcome.reply["execution_count"]
        assert outcome.contents("execute_input")[0]["execution_count"] == count
        assert outcome.contents("execute_result")[0]["execution_count"] == count
    assert kernel.run(f"Out[{count}]").ok().result == "'b'"


@pytest.mark.parametrize(
    "code, options",
    [("", {}), ("  \n", {}), ("'x'", {"store_history": False}), ("'x'", {"silent": True})],
)
def test_cells_outside_the_history_do_not_count(kernel, code, options):
    before = kernel.run("1").ok().reply["execution_count"]
    outcome = kernel.run(code, **options).ok()
    shown = outcome.contents("execute_input")
    assert not shown or shown[0]["execution_count"] == outcome.reply["execution_count"]
    assert kernel.run("1").ok().reply["execution_count"] == before + 1


def test_the_counter_agrees_after_errors_of_every_kind(kernel):
    for code in ("1/0", "def", "%nosuchmagic", "raise SystemExit", "f("):
        failed = kernel.run(code, stop_on_error=False)
        assert failed.status == "error"
        shown = failed.contents("execute_input")[0]["execution_count"]
        assert shown == failed.reply["execution_count"]
        assert kernel.run("'next'").ok().reply["execution_count"] == shown + 1


def test_silent_publishes_nothing_but_status(kernel):
    code = (
        "import sys\nprint('a')\nprint('b', file=sys.stderr)\n"
        "from IPython.display import display\ndisplay(1)\n2"
    )
    assert kernel.run(code, silent=True).ok().types == []
    failed = kernel.run("1/0", silent=True).failed("ZeroDivisionError")
    assert failed.types == []
    assert kernel.run("seen = 5", silent=True).ok() and kernel.run("seen").ok().result == "5"


def test_store_history_false_leaves_no_trace(kernel):
    kernel.run("'kept'").ok()
    assert kernel.run("'dropped'", store_history=False).ok().result == "'dropped'"
    assert kernel.run("_").ok().result in ("'kept'", "'dropped'")
    assert "dropped" not in kernel.run("'|'.join(In[:-1])").ok().result


def test_user_expressions_give_bundles_and_errors(kernel):
    asked = {"good": "x * 2", "bad": "1/0", "text": "'ş'", "syntax": "1 +", "html": "H()"}
    code = "x = 21\nclass H:\n    def _repr_html_(self): return '<b>h</b>'"
    answers = kernel.run(code, user_expressions=asked).ok().reply["user_expressions"]
    assert set(answers) == set(asked)
    assert answers["good"]["status"] == "ok" and answers["good"]["data"]["text/plain"] == "42"
    assert answers["text"]["data"]["text/plain"] == "'ş'"
    assert answers["html"]["data"]["text/html"] == "<b>h</b>"
    assert answers["bad"]["status"] == "error" and answers["bad"]["ename"] == "ZeroDivisionError"
    assert answers["syntax"]["status"] == "error" and answers["syntax"]["ename"] == "SyntaxError"
    failed = kernel.run("1/0", user_expressions=asked).failed("ZeroDivisionError")
    assert failed.reply["user_expressions"] == {} and failed.reply["payload"] == []


def test_an_error_names_cell_line_and_source(kernel):
    outcome = kernel.run("def f():\n    return 1/0\nf()").failed("ZeroDivisionError")
    assert outcome.reply["evalue"] == "division by zero"
    text = "\n".join(outcome.reply["traceback"])
    plain = kernel_text(text)
    assert f"Cell In[{outcome.reply['execution_count']}], line 3" in plain
    assert "return 1/0" in plain and "ZeroDivisionError" in plain
    assert outcome.types == ["execute_input", "error"]


def kernel_text(text):
    """Without the colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_text_before_an_error_comes_before_it(kernel):
    code = (
        "import sys\nprint('one')\nprint('two', file=sys.stderr)\nprint('three')\n"
        "raise ValueError('ş')"
    )
    outcome = kernel.run(code).failed("ValueError")
    assert outcome.types == ["execute_input", "stream", "stream", "stream", "error"]
    assert outcome.reply["evalue"] == "ş"


def test_every_displayed_expression_gives_its_result_in_order(kernel):
    kernel.run("get_ipython().ast_node_interactivity = 'all'").ok()
    outcome = kernel.run("print('p')\n'a'\n'b'").ok()
    kernel.run("get_ipython().ast_node_interactivity = 'last_expr'").ok()
    assert [c["data"]["text/plain"] for c in outcome.contents("execute_result")] == ["'a'", "'b'"]
    assert outcome.types == ["execute_input", "stream", "execute_result", "execute_result"]


def test_history_variables_follow_the_results(kernel):
    kernel.run("'one'").ok()
    kernel.run("'two'").ok()
    last = kernel.run("'three'").ok().reply["execution_count"]
    assert kernel.run("(_, __, ___)").ok().result == "('three', 'two', 'one')"
    assert (
        kernel.run(f"(_{last}, Out[{last}], In[{last}], _i{last})").ok().result
        == """('three', 'three', "'three'", "'three'")"""
    )


def test_a_trailing_semicolon_hides_the_result(kernel):
    assert kernel.run("'hidden';").ok().types == ["execute_input"]
    assert kernel.run("'hidden'; # comment").ok().types == ["execute_input"]
    assert kernel.run("'shown' # ;").ok().result == "'shown'"


def test_none_has_no_result(kernel):
    assert kernel.run("None").ok().types == ["execute_input"]


def test_names_live_from_cell_to_cell_in_main(kernel):
    kernel.run("def square(x): return x * x\nbase = 12").ok()
    assert (
        kernel.run("square(base), __name__, square.__module__").ok().result
        == "(144, '__main__', '__main__')"
    )
    assert kernel.run("import __main__; __main__.base").ok().result == "12"


def test_code_with_any_character_runs(kernel):
    assert (
        kernel.run("ağaç = 'ığüşöçİ \U0001f525'\nprint(ağaç)").ok().stdout == "ığüşöçİ \U0001f525\n"
    )
    assert kernel.run("print('a\\x00b')").ok().stdout == "a\x00b\n"
    assert (
        kernel.run("print('tab\\tret\\rback\\x08 \\x1b[31mred\\x1b[0m')").ok().stdout
        == "tab\tret\rback\x08 \x1b[31mred\x1b[0m\n"
    )


def test_windows_line_ends_are_accepted(kernel):
    assert kernel.run("x = 1\r\nif x:\r\n    print('ok')\r\n").ok().stdout == "ok\n"


def test_a_cell_of_a_megabyte_runs(kernel):
    code = "x = '" + "ş" * 500_000 + "'\nlen(x)"
    assert kernel.run(code).ok().result == "500000"


def test_asyncio_is_running_in_every_cell(kernel):
    assert (
        kernel.run("import asyncio\nasyncio.get_running_loop().is_running()").ok().result == "True"
    )
    assert kernel.run("await asyncio.sleep(0.01, 'slept')").ok().result == "'slept'"
    kernel.run("asyncio.run(asyncio.sleep(0))").failed("RuntimeError")


def test_await_works_in_every_form(kernel):
    code = """
import asyncio, contextlib
@contextlib.asynccontextmanager
async def manager():
    yield 'inside'
async def numbers():
    for i in range(3):
        await asyncio.sleep(0)
        yield i
async with manager() as word:
    async for i in numbers():
        print(word, i)
[x async for x in numbers()]
"""
    outcome = kernel.run(code).ok()
    assert outcome.stdout == "inside 0\ninside 1\ninside 2\n" and outcome.result == "[0, 1, 2]"


def test_a_task_advances_between_cells(kernel):
    kernel.run(
        "ticks = []\nasync def tick():\n    for i in range(500):\n        ticks.append(i)\n"
        "        await asyncio.sleep(0.005)\nimport asyncio\ntask = asyncio.create_task(tick())"
    ).ok()
    kernel.collect(0.3)
    assert int(kernel.run("len(ticks)").ok().result) > 10
    kernel.run("task.cancel()").ok()


def test_a_task_fails_without_harm(kernel):
    kernel.run(
        "import asyncio\nasync def bad(): raise ValueError('in a task')\n"
        "t = asyncio.create_task(bad())"
    ).ok()
    kernel.collect(0.1)
    kernel.run("await t").failed("ValueError")


def test_variables_of_an_awaiting_cell_are_the_notebooks(kernel):
    kernel.run("import asyncio\nawait asyncio.sleep(0)\nset_in_await = 3").ok()
    assert kernel.run("set_in_await").ok().result == "3"


def test_context_variables_last_from_cell_to_cell(kernel):
    kernel.run(
        "import contextvars\nv = contextvars.ContextVar('v', default='unset')\nv.set('set');"
    ).ok()
    assert kernel.run("v.get()").ok().result == "'set'"


def test_the_shell_is_ipythons_own(kernel):
    code = (
        "import sys, IPython\nfrom IPython.core.interactiveshell import InteractiveShell\n"
        "isinstance(get_ipython(), InteractiveShell), sys.modules['IPython'] is IPython, "
        "get_ipython() is IPython.get_ipython()"
    )
    assert kernel.run(code).ok().result == "(True, True, True)"


def test_the_kernel_object_tells_the_parent(kernel):
    outcome = kernel.run("get_ipython().kernel.get_parent()['header']['msg_id']").ok()
    assert outcome.result == repr(outcome.request["msg_id"])
    outcome = kernel.run("get_ipython().get_parent()['header']['msg_id']").ok()
    assert outcome.result == repr(outcome.request["msg_id"])


def test_events_of_ipython_fire(kernel):
    code = """
fired = []
for name in ('pre_execute', 'pre_run_cell', 'post_execute', 'post_run_cell'):
    get_ipython().events.register(name, lambda *a, name=name: fired.append(name))
"""
    kernel.run(code).ok()
    kernel.run("pass").ok()
    seen = kernel.run("fired[:]").ok().result
    kernel.run(
        "get_ipython().events.reset_all() if hasattr(get_ipython().events, 'reset_all') else "
        "[c.clear() for c in get_ipython().events.callbacks.values()];"
    )
    for name in ("pre_execute", "pre_run_cell", "post_execute", "post_run_cell"):
        assert name in seen
