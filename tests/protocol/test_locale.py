"""No number, keyword or JSON depends on the locale: Turkish has a decimal comma and a dotless i."""

import json
import pathlib

import pytest

NOTEBOOK = pathlib.Path(__file__).parents[2] / "notebooks/no_grad_tr.ipynb"
TURKISH = "tr_TR.UTF-8"
PLACES = {
    "turkish": {"LC_ALL": TURKISH},
    "c": {"LC_ALL": "C", "LANG": None},
    "unset": {"LC_ALL": None, "LANG": None, "LC_CTYPE": None},
    "posix": {"LC_ALL": "POSIX"},
    "unknown": {"LC_ALL": "xx_YY.UTF-8"},
}
PANGRAM = "Pijamalı hasta yağız şoföre çabucak güvendi. İIıi ÂâÎîÛû \U0001f525"


@pytest.fixture(scope="module", params=[*PLACES, "setlocale"])
def place(request, tmp_path_factory):
    """A client of a kernel in each of the locales; `setlocale` is one where a cell has changed it."""
    from client import Kernel

    process = Kernel(tmp_path_factory.mktemp("locale"), env=PLACES.get(request.param, {}))
    client = process.client()
    if request.param == "setlocale":
        client.run(f"import locale\nlocale.setlocale(locale.LC_ALL, {TURKISH!r})").ok()
    yield client
    process.stop()


def test_the_turkish_locale_is_there(place):
    code = (
        "import subprocess\n"
        f"{TURKISH.replace('UTF-8', 'utf8')!r} in subprocess.run(['locale', '-a'], "
        "capture_output=True, text=True).stdout.split()"
    )
    assert place.run(code).ok().result == "True", (
        "generate it: localedef -i tr_TR -f UTF-8 tr_TR.UTF-8"
    )


def test_text_goes_both_ways(place):
    outcome = place.run(f"s = {PANGRAM!r}\nprint(s)\nimport sys\nprint(s, file=sys.stderr)\ns").ok()
    assert outcome.stdout == outcome.stderr == PANGRAM + "\n" and outcome.result == repr(PANGRAM)
    assert outcome.contents("execute_input")[0]["code"].startswith(f"s = {PANGRAM!r}")


def test_children_write_turkish(place):
    outcome = place.run(
        f"import os, subprocess\nos.system('echo {PANGRAM}')\nx = !echo {PANGRAM}\nx[-1]"
    ).ok()
    assert outcome.stdout == PANGRAM + "\n" and outcome.result == repr(PANGRAM)


def test_files_and_names_are_utf8(place):
    code = (
        "import sys\nopen('ışık.txt', 'w').write('ğüş')\n"
        "sys.flags.utf8_mode, sys.getfilesystemencoding(), "
        "open('ışık.txt').read(), open('ışık.txt', 'rb').read() == 'ğüş'.encode()"
    )
    assert place.run(code).ok().result == "(1, 'utf-8', 'ğüş', True)"


def test_numbers_have_a_point(place):
    outcome = place.run(
        "print(0.5, 1e-7, 12345.678, f'{1234.5:.2f}', '%g' % 0.25)\nfloat('0.5'), 1/3"
    ).ok()
    assert outcome.stdout == "0.5 1e-07 12345.678 1234.50 0.25\n"
    assert outcome.result == "(0.5, 0.3333333333333333)"


def test_json_numbers_stay_numbers(place):
    code = (
        "from IPython.display import display\n"
        "display({'application/json': {'half': 0.5, 'list': [1.25, -1e-9, 1e22]},"
        " 'text/plain': 'x'}, metadata={'width': 0.75}, raw=True)"
    )
    outcome = place.run(code, user_expressions={"half": "0.5"}, metadata={"sent": 0.125}).ok()
    assert outcome.displays[0]["data"]["application/json"] == {
        "half": 0.5,
        "list": [1.25, -1e-9, 1e22],
    }
    assert outcome.displays[0]["metadata"] == {"width": 0.75}
    assert outcome.reply["user_expressions"]["half"]["data"]["text/plain"] == "0.5"


def test_headers_with_numbers_come_back_equal(place):
    outcome = place.ask("kernel_info_request", fields={"real": 0.1, "list": [1.5, 2e-9]})
    assert outcome.messages[0].parent["real"] == 0.1


def test_a_cursor_behind_turkish_text_is_right(place):
    place.run("lambamız = 1").ok()
    code = f"'{PANGRAM}'; lambam"
    reply = place.ask("complete_request", {"code": code, "cursor_pos": len(code)}).reply
    assert reply["matches"] == ["lambamız"] and reply["cursor_start"] == len(code) - 6


def test_errors_and_questions_are_turkish_too(place):
    assert (
        place.run(f"raise ValueError({PANGRAM!r})").failed("ValueError").reply["evalue"] == PANGRAM
    )
    request = place.start("input('Şifre mi? ')", allow_stdin=True)
    assert place.next_input().content["prompt"] == "Şifre mi? "
    place.reply_input("İyi")
    assert place.wait(request).ok().result == "'İyi'"


def test_message_kinds_are_not_folded(place):
    for kind in ("kernel_info_request", "is_complete_request", "inspect_request"):
        assert place.ask(kind, {"code": "I", "cursor_pos": 1}).reply["status"] in ("ok", "complete")


def test_names_with_both_letters_i_work(place):
    assert place.run("ISI = 1\nısı = 2\nİSİ = 3\nisi = 4\nISI, ısı, isi").ok().result == "(1, 2, 4)"
    assert place.run("%timeit -n 1 -r 1 pass").ok().stdout


def test_a_plot_and_a_table_appear(place):
    outcome = place.run(
        "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([0.5, 1.5])\nplt.show()", 40
    ).ok()
    assert "image/png" in outcome.displays[0]["data"]


def outputs_of(outcome):
    """What a notebook would store: texts by stream, and results."""
    return outcome.runs + [
        ("result", c["data"]["text/plain"]) for c in outcome.contents("execute_result")
    ]


def stored(cell):
    """The same from a cell of the notebook file."""
    found = []
    for output in cell["outputs"]:
        if output["output_type"] == "stream":
            found.append((output["name"], "".join(output["text"])))
        else:
            found.append(("result", "".join(output["data"]["text/plain"])))
    return found


def test_the_turkish_notebook_gives_its_stored_outputs(place):
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code" and "nbval-ignore-output" not in cell["metadata"].get(
            "tags", []
        ):
            assert outputs_of(place.run("".join(cell["source"])).ok()) == stored(cell)
