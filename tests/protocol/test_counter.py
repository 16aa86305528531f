"""The execution counter, `silent`, and `exit`: what the table of features promises, row by row."""

import pytest

# what is sent, its options, what becomes of the counter, and of the shown number in Out
ROWS = [
    ("'counts'", {}, 1, True),
    ("", {}, 0, False),
    ("   \n\t\n", {}, 0, False),
    ("# a comment", {}, 1, False),
    ("pass", {}, 1, False),
    ("'x';", {}, 1, False),
    ("1 / 0", {}, 1, False),
    ("def", {}, 1, False),
    ("%nosuchmagic", {}, 1, False),
    ("%time 'timed'", {}, 1, True),
    ("import asyncio; await asyncio.sleep(0, 'awaited')", {}, 1, True),
    ("'not kept'", {"store_history": False}, 0, True),
    ("", {"store_history": False}, 0, False),
    ("1 / 0", {"store_history": False}, 0, False),
    ("'kept and silent'", {"silent": True, "store_history": True}, 0, False),
    ("'silent'", {"silent": True}, 0, False),
    ("1 / 0", {"silent": True}, 0, False),
]


@pytest.mark.parametrize("code, options, step, has_result", ROWS)
def test_input_result_and_reply_agree_on_one_counter(kernel, code, options, step, has_result):
    """Row "Execution count: empty cell / store_history:false"."""
    before = kernel.run("'before'").ok().reply["execution_count"]
    outcome = kernel.run(code, stop_on_error=False, **options)
    counts = [c["execution_count"] for c in outcome.contents("execute_input")]
    results = [c["execution_count"] for c in outcome.contents("execute_result")]
    assert len(counts) == (0 if options.get("silent") else 1) and len(results) == has_result
    assert {*counts, *results, outcome.reply["execution_count"]} == {before + 1}
    after = kernel.run("'after'").ok()
    assert after.reply["execution_count"] == before + 1 + step
    assert kernel.run(f"In[{before}], Out[{before}]").ok().result == '''("'before'", 'before')'''


def test_a_hundred_cells_of_every_kind_keep_in_step(kernel):
    """The same row: "counters drift apart for good" is what must not happen."""
    expected = kernel.run("1").ok().reply["execution_count"]
    for number in range(100):
        code, options, step, _ = ROWS[number * 7 % len(ROWS)]
        reply = kernel.run(code, stop_on_error=False, **options).reply
        assert reply["execution_count"] == expected + 1
        expected += step
    outcome = kernel.run("'end'").ok()
    shown = outcome.contents("execute_result")[0]["execution_count"]
    assert outcome.reply["execution_count"] == shown == expected + 1


def test_a_failing_repr_still_counts_once(kernel):
    """Row "failing `__repr__`", seen from the counter."""
    before = kernel.run("1").ok().reply["execution_count"]
    code = "class Bad:\n    def __repr__(self): raise ValueError\nBad()"
    failed = kernel.run(code, stop_on_error=False).failed("ValueError")
    assert failed.reply["execution_count"] == before + 1
    assert kernel.run("1").ok().reply["execution_count"] == before + 2


@pytest.mark.parametrize(
    "code",
    [
        "print('out')",
        "import sys; print('err', file=sys.stderr)",
        "import os; os.system('echo child');",
        "import os; os.write(1, b'direct');",
        "from IPython.display import display; display('shown')",
        "'result'",
        "1 / 0",
        "raise SystemExit",
        "import warnings; warnings.warn('w')",
        "!echo magic",
        "from IPython.display import clear_output; clear_output()",
        "import asyncio; await asyncio.sleep(0); print('awaited')",
    ],
)
def test_silent_means_silent(kernel, code):
    """Row "`silent:true` prints": not broadcast."""
    assert kernel.run(code, silent=True).types == []


def test_the_cell_after_a_silent_one_is_heard(kernel):
    kernel.run("print('unheard')", silent=True).ok()
    assert kernel.run("print('heard')").ok().stdout == "heard\n"


@pytest.mark.parametrize("code", ["exit()", "quit", "get_ipython().ask_exit()"])
def test_exit_is_a_payload_and_then_the_end(start, code):
    """Row "`exit()`": payload, exits."""
    process = start()
    outcome = process.client().run(code).ok()
    assert outcome.reply["payload"] == [{"source": "ask_exit", "keepkernel": False}]
    assert process.exit_within(3) == 0
