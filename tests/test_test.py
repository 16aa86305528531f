"""`mesale test`: notebooks executed side by side and compared with what they hold."""

import base64
import io
import json
import os
import pathlib
import signal
import subprocess
import time
import xml.etree.ElementTree as ElementTree

import nbformat
import pytest
from made import caller, code, on_terminal, printed, save
from nbformat.v4 import new_markdown_cell, new_output

ROOT = pathlib.Path(__file__).resolve().parent.parent
SLOWNESS = float(os.environ.get("TEST_SLOWNESS", "1"))


def result(**data):
    return new_output(
        "execute_result", {key.replace("_", "/"): value for key, value in data.items()}, execution_count=1
    )


def shown(**data):
    return new_output("display_data", {key.replace("_", "/"): value for key, value in data.items()})


@pytest.fixture
def test(mesale, python):
    return caller(mesale, python, "test")


def sum_of(done):
    """The line that sums up, without its time."""
    line = next(line for line in done.stdout.splitlines() if " cells compared, " in line)
    return line.rsplit(";", 1)[0]


# --- what is the same -------------------------------------------------------------------------------------------------


def test_notebooks_that_show_what_they_hold_pass(test, tmp_path):
    one = save(
        tmp_path / "one.ipynb",
        code("print(1)", printed("1\n")),
        new_markdown_cell("text"),
        code("2", result(text_plain="2")),
    )
    two = save(tmp_path / "two.ipynb", "x = 1", "")
    before = one.read_bytes(), two.read_bytes()
    done = test(one, two)
    assert done.stderr == "" and sum_of(done) == "2 notebooks: 2 passed; 3 cells compared, 0 differ"
    assert [line.split()[:2] for line in done.stdout.splitlines()[:2]] == [["ok", str(one)], ["ok", str(two)]]
    assert (one.read_bytes(), two.read_bytes()) == before


def test_noise_is_no_difference_unless_exactness_is_asked_for(test, tmp_path):
    cells = {
        "print(object())": printed("<object object at 0x7f0102030405>\n"),
        "0.1 + 0.2": result(text_plain="0.3"),
        "%time pass": printed("CPU times: user 1 us, sys: 1 us, total: 2 us\nWall time: 3 us\n"),
        "print('1%\\r2%\\r100%')": printed("50%\r100%\n"),
        'from IPython.display import *\nimport uuid\nn = uuid.uuid4()': None,
        'display(HTML(f\'<p id="{n}"></p><a href="#{n}"></a>\'))': shown(
            text_html='<p id="6fa459ea-ee8a-3ca4-894e-db77e160355e"></p>'
            '<a href="#6fa459ea-ee8a-3ca4-894e-db77e160355e"></a>',
            text_plain="<IPython.core.display.HTML object>",
        ),
        "import warnings\nwarnings.warn('w')": printed(
            "/tmp/ipykernel_12/3456.py:2: UserWarning: w\n  warnings.warn('w')\n", "stderr"
        ),
    }
    book = save(tmp_path / "book.ipynb", *(code(source, *filter(None, [output])) for source, output in cells.items()))
    assert sum_of(test(book)).endswith("7 cells compared, 0 differ")
    done = test("--exact", book, code=1)
    assert sum_of(done).endswith("7 cells compared, 6 differ")


def test_the_tolerance_can_be_set(test, tmp_path):
    book = save(tmp_path / "book.ipynb", code("0.301", result(text_plain="0.3")))
    assert "- 0.3\n    + 0.301\n" in test(book, code=1).stdout
    test("--tolerance", "0.01", book)
    close = save(tmp_path / "close.ipynb", code("0.1 + 0.2", result(text_plain="0.3")))
    assert "- 0.3\n    + 0.30000000000000004\n" in test("--tolerance", "0", close, code=1).stdout


PICTURE = """import base64, io
from IPython.display import Image, display
from PIL import Image as Picture
picture = Picture.new("RGB", (5, 4), (1, 2, %d))
file = io.BytesIO()
picture.save(file, "PNG", compress_level=9)
display(Image(file.getvalue()))"""


def test_pictures_are_compared_by_their_pixels(test, tmp_path):
    from PIL import Image, PngImagePlugin

    file, information = io.BytesIO(), PngImagePlugin.PngInfo()
    information.add_text("Software", "another version")
    Image.new("RGBA", (5, 4), (1, 2, 3, 255)).save(file, "PNG", compress_level=0, pnginfo=information)
    stored = shown(
        image_png=base64.b64encode(file.getvalue()).decode(), text_plain="<IPython.core.display.Image object>"
    )
    same = save(tmp_path / "same.ipynb", code(PICTURE % 3, stored))
    other = save(tmp_path / "other.ipynb", code(PICTURE % 4, stored))
    done = test(same, other, code=1)
    assert done.stdout.startswith(f"ok    {same}") and "    - 5 × 4 pixels, digest " in done.stdout
    test("--exact", same, code=1)


def test_types_can_be_left_out(test, tmp_path):
    source = "from IPython.display import display\ndisplay({'text/html': '<b>', 'text/plain': 'b'}, raw=True)"
    book = save(tmp_path / "book.ipynb", code(source, shown(text_plain="b")))
    assert "+ [display_data text/html]" in test(book, code=1).stdout
    test("--ignore", "image/png", "--ignore", "text/html", book)


def test_rules_of_the_user_are_those_of_nbval(test, tmp_path):
    book = save(
        tmp_path / "book.ipynb", code("import time\nprint(time.strftime('%H:%M:%S %Y'))", printed("12:30:59 1999\n"))
    )
    rules = tmp_path / "sub"
    rules.mkdir()
    (rules / "rules.cfg").write_text(
        "[time]\nregex: \\d{1,2}:\\d{2}:\\d{2}\nreplace: TIME\n\n"
        "[year]\nregex: (\\d\\d)(\\d\\d)$\nreplace: YEAR-\\g<0>\n"
        "[again]\nregex: YEAR-.*\nreplace: YEAR\n"
    )
    test(book, code=1)
    test("--sanitize", "sub/rules.cfg", "book.ipynb", cwd=tmp_path)
    (rules / "bad.cfg").write_text("regex: (\nreplace: x\n")
    done = test("--sanitize", rules / "bad.cfg", book, code=2)
    assert "bad.cfg: regex: (: missing )" in done.stdout
    assert "No such file" in test("--sanitize", rules / "none.cfg", book, code=2).stderr


# --- what differs -----------------------------------------------------------------------------------------------------


def test_a_difference_is_shown_and_the_rest_goes_on(test, tmp_path):
    book = save(
        tmp_path / "book.ipynb", code("print('a\\nb\\nc')", printed("a\nB\nc\n")), code("2", result(text_plain="2"))
    )
    done = test(book, code=1)
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"FAIL  {book}  2 compared, ")
    assert lines[1:6] == [
        "  cell 1, In [1] shows something else than stored (- stored, + now)",
        "      [stdout]",
        "      a",
        "    - B",
        "    + b",
    ]
    assert lines[-1] == "If the new outputs are right: mesale test --update"
    assert sum_of(done) == "1 notebook: 0 passed, 1 failed; 2 cells compared, 1 differ"


def test_an_update_of_a_display_counts_where_it_is_shown(test, tmp_path):
    book = save(
        tmp_path / "book.ipynb", code("h = display('a', display_id=True)", shown(text_plain="'b'")), "h.update('b')"
    )
    assert sum_of(test(book)).endswith("2 cells compared, 0 differ")


def test_a_cell_that_fails_ends_its_notebook(test, tmp_path):
    book = save(tmp_path / "book.ipynb", "1", "1/0", "print('after')")
    done = test(book, code=1)
    assert "In [2] failed: ZeroDivisionError: division by zero\n" in done.stdout and "----> 1 1/0" in done.stdout
    assert "\x1b" not in done.stdout and "after" not in done.stdout
    everything = test("--allow-errors", book, code=1).stdout
    assert "+ [error]" in everything and "+ after" in everything


def test_tags_and_comments_say_what_is_compared(test, tmp_path):
    cells = [
        code("print(1)", printed("x"), tags=["nbval-ignore-output"]),
        code("# NBVAL_IGNORE_OUTPUT\nprint(2)", printed("x")),
        code("print(open('/none'))", printed("x"), tags=["nbval-skip"]),
        code("#NBVAL_SKIP\n1/0"),
        code("1/0", tags=["skip-execution"]),
        code(
            "raise KeyError('k')",
            new_output("error", ename="KeyError", evalue="'k'", traceback=[]),
            tags=["raises-exception"],
        ),
        code(
            "# NBVAL_RAISES_EXCEPTION\nraise KeyError('k')",
            new_output("error", ename="KeyError", evalue="'k'", traceback=[]),
        ),
        code("print(3)", printed("3\n"), tags=["nbval-check-output"]),
        code("print(4)", printed("4\n")),
    ]
    book = save(tmp_path / "book.ipynb", *cells)
    assert sum_of(test(book)).endswith("4 cells compared, 0 differ")
    cells[8].outputs = [printed("other")]
    assert sum_of(test("--lax", save(book, *cells))).endswith("1 cells compared, 0 differ")
    cells[7].outputs = [printed("other")]
    assert sum_of(test("--lax", save(book, *cells), code=1)).endswith("1 cells compared, 1 differ")


def test_a_missing_error_is_a_difference(test, tmp_path):
    book = save(
        tmp_path / "book.ipynb",
        code("1;", new_output("error", ename="E", evalue="v", traceback=[]), tags=["raises-exception"]),
    )
    assert "- E: v\n" in test(book, code=1).stdout


# --- processes --------------------------------------------------------------------------------------------------------

DEATHS = {
    "signal": ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "ended by signal 9"),
    "crash": ("import ctypes\nctypes.string_at(0)", "ended by signal 11"),
    "exit": ("import os\nos._exit(0)", "the process ended with exit code 0 before the notebook did"),
}


@pytest.mark.parametrize("way", DEATHS)
def test_a_process_that_dies_fails_its_notebook_alone(test, tmp_path, way):
    source, words = DEATHS[way]
    bad, good = save(tmp_path / "bad.ipynb", source), save(tmp_path / "good.ipynb", code("1", result(text_plain="1")))
    done = test("--junit", tmp_path / "junit.xml", bad, good, code=1)
    assert words in done.stdout and sum_of(done).startswith("2 notebooks: 1 passed, 1 failed;")
    suites = ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert [suite.get("errors") for suite in suites] == ["1", "0"] and words in suites[0][0][0].get("message")


def test_what_a_notebook_leaves_behind_holds_nobody_up(test, tmp_path):
    book = save(tmp_path / "book.ipynb", "import subprocess\nsubprocess.Popen(['sleep', '30']);\nprint(1)")
    begin = time.monotonic()
    test(book, code=1)
    assert time.monotonic() - begin < 20


def test_notebooks_run_side_by_side_and_are_shown_in_order(test, tmp_path):
    """Each waits for a file that the other one makes."""
    source = (
        "import pathlib, time\npathlib.Path({0!r}).touch()\nend = time.monotonic() + 30\n"
        "while not pathlib.Path({1!r}).exists() and time.monotonic() < end:\n    time.sleep(0.01)\n"
        "assert pathlib.Path({1!r}).exists()\ntime.sleep({2})"
    )
    a, b = str(tmp_path / "a"), str(tmp_path / "b")
    books = [save(tmp_path / "x.ipynb", source.format(a, b, 0.3)), save(tmp_path / "y.ipynb", source.format(b, a, 0))]
    done = test("-j", 2, *books)
    assert [line.split()[1] for line in done.stdout.splitlines()[:2]] == list(map(str, books))


def test_one_job_is_one_notebook_at_a_time(test, tmp_path):
    lock = str(tmp_path / "lock")
    source = f"import os, time\nopen({lock!r}, 'x').close()\ntime.sleep(0.1)\nos.remove({lock!r})"
    test("-j1", *[save(tmp_path / f"{n}.ipynb", source) for n in range(3)])


def test_processes_side_by_side_share_the_processors(test, tmp_path):
    environment = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
    each = max(len(os.sched_getaffinity(0)) // 2, 1)
    cell = code("import os\nos.environ.get('OMP_NUM_THREADS')", result(text_plain=f"'{each}'"))
    test("-j2", save(tmp_path / "a.ipynb", cell), save(tmp_path / "b.ipynb", cell), env=environment)
    test("-j2", save(tmp_path / "c.ipynb", "import os\nassert 'OMP_NUM_THREADS' not in os.environ"), env=environment)


def test_a_folder_stands_for_its_notebooks(test, tmp_path):
    for name in (
        "b/2.ipynb",
        "a.ipynb",
        "b/1.ipynb",
        ".ipynb_checkpoints/no.ipynb",
        ".hidden.ipynb",
        "b/no.txt",
        ".ipynb",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        save(tmp_path / name, "1;")
    done = test(".", cwd=tmp_path)
    assert [line.split()[1] for line in done.stdout.splitlines()[:3]] == ["./a.ipynb", "./b/1.ipynb", "./b/2.ipynb"]
    (tmp_path / "empty").mkdir()
    assert (
        test(tmp_path / "empty", code=2).stderr == f"mesale: {tmp_path / 'empty'}: no notebook is in this directory\n"
    )


def test_the_tutorials_show_what_they_hold(test):
    test(ROOT / "notebooks" / "no_grad_tr.ipynb", ROOT / "notebooks" / "no_grad_en.ipynb")


# --- JUnit ------------------------------------------------------------------------------------------------------------


def test_junit_tells_every_cell(test, tmp_path):
    save(
        tmp_path / 'a&<"b.ipynb',
        code("print('<&\\x1b[31m\\x00\\ufffe]]>')", printed("x\n")),
        code("1;", tags=["skip-execution"]),
        "1/0",
        "2",
    )
    save(tmp_path / "c.ipynb", code("import time; time.sleep(0.2)"))
    (tmp_path / "d.ipynb").write_text("{")
    test("--junit", "out.xml", ".", code=2, cwd=tmp_path)
    root = ElementTree.parse(tmp_path / "out.xml").getroot()
    assert root.tag == "testsuites"
    assert {key: root.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "6",
        "failures": "2",
        "errors": "1",
        "skipped": "2",
    }
    first, second, third = root
    assert [suite.get("name") for suite in root] == ['./a&<"b.ipynb', "./c.ipynb", "./d.ipynb"]
    assert [(case.get("classname"), case.get("name")) for case in first] == [
        ('a&<"b', f"cell {n}") for n in (1, 2, 3, 4)
    ]
    difference, skipped, failed, unreached = first
    assert difference[0].tag == "failure" and difference[0].get("type") == "difference" and "+ <&" in difference[0].text
    assert skipped[0].tag == "skipped" and unreached[0].get("message") == "not reached"
    assert failed[0].get("message") == "failed: ZeroDivisionError: division by zero" and "----> 1 1/0" in failed[0].text
    assert float(second[0].get("time")) >= 0.2 and len(second[0]) == 0
    assert third[0][0].tag == "error" and "not a notebook" in third[0][0].get("message")


def test_a_junit_file_that_cannot_be_written_is_told(test, tmp_path):
    book = save(tmp_path / "book.ipynb", "1;")
    assert "cannot write: No such file" in test("--junit", tmp_path / "none/out.xml", book, code=2).stderr


# --- --update ---------------------------------------------------------------------------------------------------------


def test_update_stores_what_differs_and_nothing_else(test, tmp_path):
    book = save(
        tmp_path / "book.ipynb",
        code("print(object())", printed("<object object at 0x7f0102030405>\n")),
        code("print(2)", printed("x\n")),
        code("import time\nprint(time.time())", printed("then\n"), tags=["nbval-ignore-output"]),
        ours={"kept": 2.50},
    )
    stored = nbformat.read(book, 4)
    done = test("--update", book)
    assert done.stdout.startswith(f"NEW   {book}  2 compared, 1 updated, ")
    now = nbformat.read(book, 4)
    assert [cell.outputs for cell in now.cells] == [stored.cells[0].outputs, [printed("2\n")], stored.cells[2].outputs]
    assert now.metadata == stored.metadata and now.cells[1].execution_count == 2
    before = book.stat().st_mtime_ns
    test(book)
    test("--update", book)
    assert book.stat().st_mtime_ns == before


def test_update_leaves_a_notebook_that_fails_as_it_is(test, tmp_path):
    book = save(tmp_path / "book.ipynb", "print(1)", "1/0")
    before = book.read_bytes()
    assert "FAIL" in test("--update", book, code=1).stdout
    assert book.read_bytes() == before


# --- interrupts and limits --------------------------------------------------------------------------------------------


def wait_for(path, child):
    while not path.exists():
        assert child.poll() is None
        time.sleep(0.01)


@pytest.mark.parametrize("whom", ["parent", "group"])
def test_an_interrupt_shows_and_writes_what_is_done(mesale, python, tmp_path, whom):
    flag = tmp_path / "started"
    books = [
        save(tmp_path / "a.ipynb", "print(1)"),
        save(tmp_path / "b.ipynb", "print(2)", f"open({str(flag)!r}, 'w').close()\nimport time; time.sleep(60)", "3"),
        save(tmp_path / "c.ipynb", f"open({str(tmp_path / 'never')!r}, 'w')"),
    ]
    child = subprocess.Popen(
        [mesale, "test", "--python", python, "-j1", "--update", "--junit", tmp_path / "out.xml", *books],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_for(flag, child)
    time.sleep(0.05)
    begin = time.monotonic()
    child.send_signal(signal.SIGINT) if whom == "parent" else os.killpg(child.pid, signal.SIGINT)
    out, log = child.communicate(timeout=20)
    assert time.monotonic() - begin < 5 * SLOWNESS and child.returncode == 130, out + log
    assert "In [2] was interrupted" in out and "3 notebooks: 1 passed, 1 failed, 1 not run;" in out
    assert not (tmp_path / "never").exists()
    assert [cell.outputs for book in books[:2] for cell in nbformat.read(book, 4).cells] == [
        [printed("1\n")],
        [printed("2\n")],
        [],
        [],
    ]
    root = ElementTree.parse(tmp_path / "out.xml").getroot()
    assert [suite.get("name") for suite in root] == list(map(str, books[:2])) and root.get("failures") == "1"


@pytest.mark.parametrize("delay", [0, 0.02, 0.05, 0.1])
def test_an_interrupt_of_the_start_ends_it(mesale, python, tmp_path, delay):
    flag = tmp_path / "never"
    book = save(tmp_path / "book.ipynb", f"import time; time.sleep(2)\nopen({str(flag)!r}, 'w')")
    child = subprocess.Popen([mesale, "test", "--python", python, book], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(delay)
    child.send_signal(signal.SIGINT)
    out, log = child.communicate(timeout=20)
    assert child.returncode in (130, -signal.SIGINT), out + log
    assert not flag.exists()


def test_a_second_interrupt_ends_a_cell_that_ignores_the_first(mesale, python, tmp_path):
    flag = tmp_path / "started"
    book = save(
        tmp_path / "book.ipynb",
        f"import time, signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        f"open({str(flag)!r}, 'w').close()\ntime.sleep(60)",
    )
    child = subprocess.Popen([mesale, "test", "--python", python, book], stdout=subprocess.PIPE, text=True)
    wait_for(flag, child)
    child.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert child.poll() is None
    child.send_signal(signal.SIGINT)
    out, _ = child.communicate(timeout=20)
    assert child.returncode == 130 and "ended by signal 9" in out


def test_a_cell_over_its_limit_fails(test, tmp_path):
    book = save(tmp_path / "book.ipynb", code("print(1)", printed("1\n")), "import time; time.sleep(60)")
    assert "In [2] took longer than 0.5 s" in test("--timeout", "0.5", book, code=1).stdout


def test_a_cell_that_cannot_be_interrupted_is_ended_and_reported(test, tmp_path):
    book = save(
        tmp_path / "book.ipynb",
        code("print(1)", printed("1\n")),
        "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nprint(2)\ntime.sleep(60)",
    )
    done = test("--timeout", "0.5", "--junit", tmp_path / "out.xml", book, code=1)
    assert "In [2] did not stop when it was interrupted" in done.stdout
    assert ElementTree.parse(tmp_path / "out.xml").getroot().get("tests") == "2"


def test_a_bar_of_progress_is_drawn_on_a_terminal(mesale, python, tmp_path):
    books = [save(tmp_path / f"{n}.ipynb", "import time; time.sleep(0.3)") for n in range(2)]
    done = on_terminal(tmp_path, mesale, "test", "--python", python, "-j1", *books, output=False)
    assert done.stdout.count(b"ok ") == 2
    assert "░ 0 of 2  ".encode() in done.stderr and "░ 1 of 2  ".encode() in done.stderr
    assert done.stderr.endswith(b"\r\x1b[K")


# --- what cannot be tested --------------------------------------------------------------------------------------------


def number(text):
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}).replace(
        '"nbformat": 4', f'"nbformat": {text}'
    )


HOSTILE = {
    "empty": ("", "not a notebook"),
    "cut": ('{"cells": [{"cell_type": "code", "sour', "not a notebook: line 1"),
    "deep": ('{"cells": ' + "[" * 100000 + "]" * 100000 + "}", "not a notebook"),
    "binary": ("\0\1\2", "not a notebook"),
    "old": (number(3), "nbformat 3 is not supported"),
    "future": (number(5), "nbformat 5 is not supported"),
    "number": (number("1" + "0" * 400), "not a notebook"),
    "cell": ('{"nbformat": 4, "cells": [1, 2]}', "cell 1 has no cell_type"),
    "outputs": (
        '{"nbformat": 4, "cells": [{"cell_type": "code", "source": "", "outputs": {}}]}',
        "cell 1 has no list of outputs",
    ),
    "R": (
        '{"nbformat": 4, "cells": [], "metadata": {"kernelspec": {"language": "R"}}}',
        "written in R, and this kernel runs Python",
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_no_notebook_of_ours_is_told_and_left_alone(test, tmp_path, kind):
    text, words = HOSTILE[kind]
    book = tmp_path / "book.ipynb"
    book.write_text(text)
    done = test("--update", book, code=2)
    assert (
        done.stdout.startswith(f"ERROR {book}  0 compared, ") and f"  {book}: " in done.stdout and words in done.stdout
    )
    assert book.read_text() == text and os.listdir(tmp_path) == ["book.ipynb"]


def test_huge_files_devices_and_pipes_are_not_read(test, tmp_path):
    with open(tmp_path / "huge.ipynb", "wb") as file:
        file.truncate(300 << 20)
    assert "larger than 256 MiB" in test(tmp_path / "huge.ipynb", code=2).stdout
    os.mkfifo(tmp_path / "pipe.ipynb")
    assert "not a regular file" in test(tmp_path / "pipe.ipynb", code=2).stdout
    assert "not a regular file" in test("/dev/zero", code=2).stdout


def test_odd_fields_do_no_harm(test, tmp_path):
    """Fields of wrong types where they are not needed, cells of unknown kinds, and names that look like options."""
    cells = [
        {
            "cell_type": "code",
            "source": "1",
            "outputs": [{"output_type": "execute_result", "data": 5}],
            "id": 7,
            "metadata": [],
        },
        {"cell_type": "code", "source": "2", "outputs": [{"output_type": "stream", "name": 1, "text": {"a": []}}]},
        {
            "cell_type": "code",
            "source": ["3", ";"],
            "outputs": [{"output_type": "error"}],
            "metadata": {"tags": "skip-execution"},
        },
        {"cell_type": "odd", "source": "1/0", "attachments": 3},
        {"cell_type": "markdown", "source": "x", "attachments": {"a": {"image/png": 5}}},
    ]
    book = tmp_path / "--help.ipynb"
    book.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 99, "cells": cells, "metadata": None}))
    done = test("--", book.name, cwd=tmp_path, code=1)
    assert sum_of(done) == "1 notebook: 0 passed, 1 failed; 3 cells compared, 3 differ"
    test("--update", "--", book.name, cwd=tmp_path)
    now = json.loads(book.read_text())
    assert [cell["source"] for cell in now["cells"]] == [["1"], ["2"], ["3", ";"], ["1/0"], ["x"]]
    assert [cell.get("attachments") for cell in now["cells"][3:]] == [3, {"a": {"image/png": 5}}] and now[
        "nbformat_minor"
    ] == 99


@pytest.mark.parametrize(
    "arguments, words",
    [
        ([], "no notebook was named"),
        (["--inplace", "x.ipynb"], "options of `mesale run`"),
        (["--output", "y", "x.ipynb"], "options of `mesale run`"),
        (["-j", "0", "x.ipynb"], "--jobs wants a number of processes"),
        (["-j", "many", "x.ipynb"], "--jobs wants a number of processes"),
        (["--tolerance", "-1", "x.ipynb"], "--tolerance wants a number"),
        (["-p", "1x", "2", "x.ipynb"], "-p wants the name of a variable"),
        (["x.ipynb", "-p", "n"], "-p n wants a value"),
        (["--update", "-p", "n", "1", "x.ipynb"], "exclude each other"),
    ],
)
def test_wrong_arguments_are_told(test, arguments, words):
    done = test(*arguments, code=2)
    assert words in done.stderr and done.stdout == ""


@pytest.mark.parametrize("command", ["run", "test"])
def test_help_names_every_option(mesale, command):
    done = subprocess.run([mesale, command, "--help"], capture_output=True, text=True)
    assert (
        done.returncode == 0 and done.stderr == "" and f"usage: mesale {command} [OPTION]... NOTEBOOK..." in done.stdout
    )
    options = ["--jobs", "-p NAME VALUE", "--junit", "--allow-errors", "--timeout", "--python", "--torch", "Exit code"]
    options += ["--lax", "--ignore", "--tolerance", "--sanitize", "--exact"]
    options += ["--update"] if command == "test" else ["--output", "--inplace", "--check"]
    assert all(option in done.stdout for option in options)
    assert max(map(len, done.stdout.splitlines())) <= 100
