"""Steps that are left out where they change nothing: the result is IPython's own in every case."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

OPTIONS = {"suppress_health_check": [HealthCheck.function_scoped_fixture]}

# pieces of cells, those with a meaning of IPython's own among them
PIECES = [
    "x", " ", "\n", "    ", "\t", "%", "%%", "!", "!!", "?", "??", ",", ";", "/", "=", "'", '"', "'''",
    "#", "(", ")", "[", "]", "\\\n", "ls", "cd", "if x:", "f'{x!r}'", ">>> ", "... ", "In [1]: ",
    "await f()", "async for x in y: pass", "[x async for x in y]", "  ", "else:\n", "def f():\n    pass", "%time", "a, b", "1/2", "ş", "\f", "\u2028", "\r\n", "lambda: 0",
]  # fmt: skip

CHECK = """
import IPython, warnings
from IPython.core.inputtransformer2 import TransformerManager
def outcome(call, cell):
    try:
        return call(cell)
    except Exception as error:
        return type(error).__name__, str(error)
ours, own = get_ipython().input_transformer_manager, TransformerManager()
with warnings.catch_warnings():
    warnings.simplefilter('ignore')
    wrong = [c for c in cells if outcome(ours.transform_cell, c) != outcome(own.transform_cell, c)]
    wrong += [c for c in cells if get_ipython().should_run_async(c, transformed_cell=c)
              != IPython.core.async_helpers._should_be_async(c)]
wrong
"""


@settings(max_examples=30, **OPTIONS)
@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=8).map("".join), min_size=20, max_size=40))
def test_cells_are_transformed_as_ipython_does(kernel, cells):
    assert kernel.run(f"cells = {cells!r}\n{CHECK}").ok().result == "[]"


# the tokenizer's column is where a tab ends; a line of a string or within brackets has none
INDENTED = [
    "\tdef f():\n    pass", "if x:\n        a\n    b", "if x:\n        a\n    b\n", "if x:\n\ta\n        b", "    a\nb",
    "def f():\n    if x:\n        a\n  b", "f(\n        a,\n    b)\nc", 'def f():\n    """a\nb\n  """\n    c', "if x:  # :\n    a\nb",
    "x = {1:\n  2}\n    y\n  z", "if x:\n    a\n # b\nc", "if x:\n    \f  a\n  b", "if x:\n    a \\\n  + b\nc", "if x:\n    a\n \nb",
]  # fmt: skip


def test_lines_that_step_back(kernel):
    assert kernel.run(f"cells = {INDENTED!r}\n{CHECK}").ok().result == "[]"


FORMAT = """
from IPython.core.formatters import DisplayFormatter
formatter = get_ipython().display_formatter
def same(value):
    return formatter.format(value) == DisplayFormatter.format(formatter, value)
values = [0, -5, 2**70, 1.5, float('nan'), 1j, True, None, 'text', 'ş' * 2000, b'raw', [1, [2]], (),
          {'a': 1}, {1, 2}, frozenset(), list(range(3000)), object(), print, int, Exception('e')]
"""


def test_values_are_shown_as_ipython_does(kernel):
    kernel.run(FORMAT).ok()
    assert kernel.run("[v for v in values if not same(v)]").ok().result == "[]"
    kernel.run("%precision 3\nassert same(3.14159)").ok()
    assert kernel.run("3.14159").ok().result == "3.142"
    kernel.run("%precision %r").ok()


def test_a_printer_that_was_registered_is_used(kernel):
    kernel.run("html = get_ipython().display_formatter.formatters['text/html']; 5").ok()
    for register, value, data in (
        ("html.for_type(int, lambda n: f'<b>{n}</b>')", "5", "<b>5</b>"),
        ("html.for_type(object, lambda o: '<i>o</i>')", "'text'", "<i>o</i>"),
        ("html.for_type_by_name('builtins', 'list', lambda o: '<p>')", "[1]", "<p>"),
        ("html.type_printers = {dict: lambda o: '<d>'}", "{}", "<d>"),
    ):
        kernel.run(register + ";").ok()
        shown = kernel.run(value).ok().contents("execute_result")[0]["data"]
        assert shown["text/html"] == data, register
        kernel.run("html.type_printers.clear(); html.deferred_printers.clear()").ok()
        assert "text/html" not in kernel.run(value).ok().contents("execute_result")[0]["data"]


def test_a_transformer_of_the_users_own_is_used(kernel):
    kernel.run(
        "def shout(lines): return [line.replace('whisper', 'SHOUT') for line in lines]\n"
        "get_ipython().input_transformers_cleanup.append(shout)"
    ).ok()
    assert kernel.run("'whisper'").ok().result == "'SHOUT'"
    kernel.run("get_ipython().input_transformers_cleanup.remove(shout)").ok()
    assert kernel.run("'whisper'").ok().result == "'whisper'"
