"""What makes a notebook: displays, plots, tables, magics, shell commands, help."""

import base64
import re

import pytest


def bundle(kernel, code):
    """The data of the one display of a cell."""
    displays = kernel.run(code).ok().displays
    assert len(displays) == 1, displays
    return displays[0]


PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize("first", ["%matplotlib inline\n", ""])
def test_a_plot_is_a_png(kernel, first):
    content = bundle(
        kernel,
        first + "import matplotlib.pyplot as plt\nplt.plot([1, 2, 3])\nplt.title('ığ')\nplt.show()",
    )
    assert base64.b64decode(content["data"]["image/png"]).startswith(PNG)
    assert content["data"]["text/plain"].startswith("<Figure size")


def test_an_open_figure_is_shown_when_the_cell_ends(kernel):
    outcome = kernel.run(
        "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([3, 1])\nprint('text')"
    ).ok()
    assert outcome.types == ["execute_input", "stream", "display_data"]
    assert "image/png" in outcome.displays[0]["data"]
    outcome = kernel.run("plt.plot([3, 1]);").ok()
    assert outcome.types == ["execute_input", "display_data"]
    assert kernel.run("plt.get_fignums()").ok().result == "[]"


def test_inline_configuration_is_obeyed(kernel):
    code = (
        "%matplotlib inline\n%config InlineBackend.figure_format = 'svg'\n"
        "import matplotlib.pyplot as plt\n"
        "plt.plot([1, 2])\nplt.show()\n%config InlineBackend.figure_format = 'png'"
    )
    assert "<svg" in bundle(kernel, code)["data"]["image/svg+xml"]


def test_a_table_of_pandas_is_html(kernel):
    outcome = kernel.run(
        "import pandas as pd\npd.DataFrame({'şehir': ['İzmir', 'Muğla'], 'x': [0.5, 1.5]})"
    ).ok()
    data = outcome.contents("execute_result")[0]["data"]
    assert "<table" in data["text/html"] and "Muğla" in data["text/html"]
    assert "İzmir" in data["text/plain"] and "0.5" in data["text/plain"]


def test_the_automatic_progress_bar_works(kernel):
    outcome = kernel.run(
        "from tqdm.auto import tqdm\ntotal = 0\nfor i in tqdm(range(100)): total += i\ntotal"
    ).ok()
    assert outcome.result == "4950"
    assert "100%" in outcome.stderr and "100/100" in outcome.stderr


def test_the_plain_progress_bar_works(kernel):
    outcome = kernel.run(
        "from tqdm import tqdm\nfor i in tqdm(range(50), desc='eğitim'): pass"
    ).ok()
    assert "eğitim: 100%" in outcome.stderr


def test_html_and_other_kinds_are_displayed(kernel):
    kernel.run("from IPython.display import *").ok()
    assert bundle(kernel, "display(HTML('<b>ş</b>'))")["data"]["text/html"] == "<b>ş</b>"
    assert bundle(kernel, "display(Markdown('*a*'))")["data"]["text/markdown"] == "*a*"
    assert bundle(kernel, "display(Latex('$x$'))")["data"]["text/latex"] == "$x$"
    assert bundle(kernel, "display(SVG('<svg xmlns=\"http://www.w3.org/2000/svg\"/>'))")["data"][
        "image/svg+xml"
    ]
    assert bundle(kernel, "display(Javascript('1'))")["data"]["application/javascript"] == "1"
    assert bundle(kernel, "display({'a': 1})")["data"]["text/plain"] == "{'a': 1}"
    pixel = (
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5E"
        "rkJggg=="
    )
    content = bundle(kernel, f"import base64\ndisplay(Image(base64.b64decode('{pixel}'), width=7))")
    assert content["data"]["image/png"].replace("\n", "") == pixel
    assert content["metadata"]["image/png"]["width"] == 7


def test_json_is_json_and_keeps_its_numbers(kernel):
    content = bundle(
        kernel,
        "display(JSON({'half': 0.5, 'big': 2**60 + 1, 'huge': 2**70, 'list': [1, None, True], "
        "'tiny': 1e-300, 'one': 1.0}, expanded=True))",
    )
    value = content["data"]["application/json"]
    assert value == {
        "half": 0.5,
        "big": 2**60 + 1,
        "huge": 2**70,
        "list": [1, None, True],
        "tiny": 1e-300,
        "one": 1,
    }
    assert isinstance(value["big"], int)
    assert content["metadata"]["application/json"]["expanded"] is True


def test_numbers_that_json_lacks_still_give_json(kernel):
    value = bundle(kernel, "display(JSON({'x': [float('nan'), float('inf')]}))")["data"][
        "application/json"
    ]["x"]
    assert all(item is None or isinstance(item, str) for item in value)


def test_raw_bundles_and_metadata_pass_unchanged(kernel):
    code = (
        "from IPython.display import display\n"
        "display({'text/plain': 'p', 'application/vnd.x+json': {'k': [0.25]}}, "
        "metadata={'width': 0.5, 'text/plain': {'isolated': True}}, raw=True)"
    )
    content = bundle(kernel, code)
    assert content["data"] == {"text/plain": "p", "application/vnd.x+json": {"k": [0.25]}}
    assert content["metadata"] == {"width": 0.5, "text/plain": {"isolated": True}}
    assert content["transient"] == {}


def test_display_id_updates_in_place(kernel):
    outcome = kernel.run(
        "from IPython.display import display, HTML\nh = display('önce', display_id='kimlik')\n"
        "h.update('sonra')\nh.display('yeniden')\nh.update(HTML('<i>x</i>'))"
    ).ok()
    assert outcome.types == [
        "execute_input",
        "display_data",
        "update_display_data",
        "display_data",
        "update_display_data",
    ]
    contents = [m.content for m in outcome.iopub if "display_data" in m.type]
    assert [c["transient"] for c in contents] == [{"display_id": "kimlik"}] * 4
    assert (
        contents[1]["data"]["text/plain"] == "'sonra'"
        and contents[3]["data"]["text/html"] == "<i>x</i>"
    )


def test_a_display_id_may_be_made_up(kernel):
    outcome = kernel.run("h = display(1, display_id=True); h.update(2)").ok()
    ids = {m.content["transient"]["display_id"] for m in outcome.iopub if "display_data" in m.type}
    assert len(ids) == 1 and ids.pop()
    assert kernel.run("h.update(3)").ok().types == ["execute_input", "update_display_data"]


@pytest.mark.parametrize("wait", [False, True])
def test_clear_output_keeps_its_place(kernel, wait):
    outcome = kernel.run(
        "from IPython.display import clear_output\nprint('a')\n"
        f"clear_output(wait={wait})\nprint('b')"
    )
    assert outcome.ok().types == ["execute_input", "stream", "clear_output", "stream"]
    assert outcome.contents("clear_output") == [{"wait": wait}]


def test_objects_show_themselves_in_every_way(kernel):
    code = """
class Both:
    def __repr__(self): return 'plain'
    def _repr_html_(self): return '<b>rich</b>'
    def _repr_png_(self): return b'\\x89PNG'
class Bundle:
    def _repr_mimebundle_(self, include=None, exclude=None):
        return {'text/plain': 'b', 'text/x-own': 'own'}, {'m': 1}
class Own:
    def _ipython_display_(self): print('shows itself')
"""
    kernel.run(code).ok()
    data = kernel.run("Both()").ok().contents("execute_result")[0]["data"]
    assert data == {
        "text/plain": "plain",
        "text/html": "<b>rich</b>",
        "image/png": "iVBORw==\n",
    } or data == {"text/plain": "plain", "text/html": "<b>rich</b>", "image/png": "iVBORw=="}
    result = kernel.run("Bundle()").ok().contents("execute_result")[0]
    assert result["data"]["text/x-own"] == "own" and result["metadata"]["m"] == 1
    outcome = kernel.run("Own()").ok()
    assert outcome.stdout == "shows itself\n" and outcome.result is None


def test_a_broken_picture_leaves_the_text(kernel):
    outcome = kernel.run(
        "class Broken:\n    def __repr__(self): return 'text'\n"
        "    def _repr_html_(self): raise ValueError('no html')\nBroken()"
    )
    assert outcome.result == "text" or outcome.status == "error"
    assert "no html" in outcome.stderr + str(outcome.reply)


def test_shell_commands(kernel):
    assert kernel.run("!echo merhaba ş").ok().stdout.replace("\r", "") == "merhaba ş\n"
    assert kernel.run("x = !printf 'a\\nb\\n'\nlist(x)").ok().result == "['a', 'b']"
    assert (
        kernel.run("word = 'değer'\n!echo {word} $word").ok().stdout.replace("\r", "")
        == "değer değer\n"
    )
    assert kernel.run("!exit 3\n_exit_code").ok().result == "3"
    outcome = kernel.run("print('a')\n!echo b\nprint('c')").ok()
    assert outcome.stdout.replace("\r", "") == "a\nb\nc\n"


def test_shell_commands_without_a_terminal(kernel):
    assert (
        "err" in kernel.run("!echo err >&2").ok().stdout + kernel.run("!echo err >&2").ok().stderr
    )
    assert "no-such-command-x" in "".join(
        text for _, text in kernel.run("!no-such-command-x").ok().runs
    )


def test_cell_magics(kernel):
    outcome = kernel.run("%%bash\necho bash $((6*7))\necho hata >&2").ok()
    assert outcome.stdout == "bash 42\n" and outcome.stderr == "hata\n"
    assert (
        kernel.run("%%html\n<b>x</b>").ok().displays[0]["data"]["text/html"].strip() == "<b>x</b>"
    )
    kernel.run("%%capture grabbed\nimport sys\nprint('in')\nprint('err', file=sys.stderr)").ok()
    assert kernel.run("grabbed.stdout, grabbed.stderr").ok().result == r"('in\n', 'err\n')"
    assert "Writing" in kernel.run("%%writefile note.py\ny = 'yazıldı'\nprint(y)").ok().stdout
    assert (
        kernel.run("%run note.py").ok().stdout == "yazıldı\n"
        and kernel.run("y").ok().result == "'yazıldı'"
    )
    assert kernel.run("%%python\nprint('other')").ok().stdout == "other\n"
    assert "Wall time" in kernel.run("%%time\nsum(range(10))").ok().stdout


def test_line_magics(kernel):
    assert kernel.run("import os\n%cd -q /\nos.getcwd()").ok().result == "'/'"
    assert kernel.run("%env RENK=kızıl\nos.environ['RENK']").ok().result == "'kızıl'"
    assert "per loop" in kernel.run("%timeit -n 1 -r 1 pass").ok().stdout
    assert "Wall time" in kernel.run("%time 1").ok().stdout
    kernel.run("%load_ext autoreload\n%autoreload 2").ok()
    kernel.run("benzersiz = 1").ok()
    assert "benzersiz" in kernel.run("%who").ok().stdout
    kernel.run("%config InteractiveShell.ast_node_interactivity = 'last_expr'").ok()
    assert "benzersiz" in kernel.run("%whos").ok().stdout
    assert (
        "%timeit" in kernel.run("%lsmagic").ok().contents("execute_result")[0]["data"]["text/plain"]
    )


def test_an_unknown_magic_is_told_by_name(kernel):
    outcome = kernel.run("%nosuchmagic").failed("UsageError")
    assert "nosuchmagic" in outcome.stderr + str(outcome.reply)
    assert "nosuchmagic" in str(kernel.run("%%nosuchmagic\nx").reply) + outcome.stderr


def page(kernel, code):
    """The text of the one pager payload of a cell."""
    payload = kernel.run(code).ok().reply["payload"]
    assert [p["source"] for p in payload] == ["page"], payload
    assert payload[0]["start"] == 0
    return re.sub(r"\x1b\[[0-9;]*m", "", payload[0]["data"]["text/plain"])


def test_help_opens_the_pager(kernel):
    kernel.run("def tarif(a, b=2):\n    'Ne yapar.'\n    return a + b").ok()
    for code in ("?print", "print?"):
        assert "sep" in page(kernel, code)
    assert "Ne yapar." in page(kernel, "tarif?") and "return a + b" in page(kernel, "tarif??")
    assert "tarif" in page(kernel, "tar*?")
    assert "cell magic" in page(kernel, "%%time?").lower() or "time" in page(kernel, "%time?")


def test_set_next_input_is_a_payload(kernel):
    payload = kernel.run("get_ipython().set_next_input('x = 1')").ok().reply["payload"]
    assert payload == [{"source": "set_next_input", "text": "x = 1", "replace": False}]


def test_help_of_python_prints(kernel):
    assert "Help on built-in function len" in kernel.run("help(len)").ok().stdout


def test_comm_can_be_created(kernel):
    kernel.run(
        "import comm\nc = comm.create_comm(target_name='deneme', data={'x': 0.5})\nc.close()"
    ).ok()
    assert kernel.run("type(comm.get_comm_manager()).__name__").ok().result
