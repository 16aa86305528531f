"""`mesale run`: notebooks executed without a server, printed, written and compared."""
import json
import os
import pathlib
import signal
import stat
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

import nbclient
import nbformat
import pytest
from made import caller, code, on_terminal, printed, save
from nbformat.v4 import new_markdown_cell, new_notebook, new_output

ROOT = pathlib.Path(__file__).resolve().parent.parent
SLOWNESS = float(os.environ.get("TEST_SLOWNESS", "1"))

TUTORIAL = [ROOT / "notebooks/no_grad_tr.ipynb", ROOT / "notebooks/no_grad_en.ipynb"]


def line_end():
    """What ends the lines of `!command`: a terminal's where the machine has pseudo-terminals; a bare chroot has none."""
    try:
        for end in os.openpty():
            os.close(end)
    except OSError:
        return "\n"
    return "\r\n"


@pytest.fixture
def run(mesale, python):
    return caller(mesale, python, "run")


@pytest.fixture
def executed(run, tmp_path):
    """The outputs of each code cell after a run, as nbformat reads them."""

    def call(*cells, code=0, arguments=()):
        source, target = save(tmp_path / "in.ipynb", *cells), tmp_path / "out.ipynb"
        run("--output", target, *arguments, source, code=code)
        book = nbformat.read(target, 4)
        nbformat.validate(book)
        return [cell.outputs for cell in book.cells if cell.cell_type == "code"]

    return call


# --- what is printed --------------------------------------------------------------------------------------------------


def test_cells_and_outputs_are_printed_under_their_numbers(run, tmp_path):
    book = save(tmp_path / "book.ipynb", new_markdown_cell("# title"), "x = 6\nx * 7", "", "print('ş', end='')\nNone",
                "print(1)\n[[1], 2]")
    assert run(book).stdout == (f"{book}\n\nIn [1]: x = 6\n   ...: x * 7\nOut[1]: 42\n\n"
                                "In [2]: print('ş', end='')\n   ...: None\nş\n\n"
                                "In [3]: print(1)\n   ...: [[1], 2]\n1\nOut[3]: [[1], 2]\n\n")


def test_an_error_ends_the_run_without_colours_in_a_pipe(run, tmp_path):
    book = save(tmp_path / "book.ipynb", "print('before')", "1/0", "print('after')")
    done = run(book, code=1)
    assert "before" in done.stdout and "after" not in done.stdout
    assert "ZeroDivisionError: division by zero" in done.stdout and "Cell In[2], line 1" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr
    assert done.stderr == f"mesale: {book}: In [2] failed: ZeroDivisionError: division by zero\n"


def test_a_terminal_gets_colours(mesale, python, tmp_path):
    book = save(tmp_path / "book.ipynb", "1")
    done = on_terminal(tmp_path, mesale, "run", "--python", python, book, TERM="xterm")
    assert b"\x1b[32mIn [1]: \x1b[0m1\n\x1b[31mOut[1]: \x1b[0m1\n" in done.stdout


def test_a_shell_line_runs_with_a_terminal_and_without(run, tmp_path):
    done = run(save(tmp_path / "book.ipynb", "!echo plain"))
    assert "\x1b" not in done.stdout and done.stdout.count("plain") == 2


def test_a_reader_that_goes_away_ends_the_run(mesale, python, tmp_path):
    book = save(tmp_path / "book.ipynb", *["print('x' * 100000)"] * 20)
    child = subprocess.Popen([mesale, "run", "--python", python, book], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    child.stdout.read(10)
    child.stdout.close()
    assert child.stderr.read() == b""
    child.stderr.close()
    assert child.wait(30) == 1


# --- what is written --------------------------------------------------------------------------------------------------


def test_all_kinds_of_outputs_are_stored(executed):
    outputs = executed(
        "import sys\nprint('a')\nprint('e', file=sys.stderr)\nprint('b\\rc\\b')\n5",
        "from IPython.display import *\ndisplay(HTML('<b>x</b>'))\nh = display('one', display_id=True)\n"
        "print(1)\nclear_output()\nprint(2)",
        "h = display('one', display_id='d')",
        "h.update('two')\nraise KeyError('k')",
        code=1)
    assert outputs[0] == [printed("a\n"), printed("e\n", "stderr"), printed("b\rc\b\n"),
                          new_output("execute_result", {"text/plain": "5"}, execution_count=1)]
    assert outputs[1] == [printed("2\n")]
    assert outputs[2] == [new_output("display_data", {"text/plain": "'two'"})]
    assert (outputs[3][0].ename, outputs[3][0].evalue) == ("KeyError", "'k'")
    assert any("\x1b[" in line for line in outputs[3][0].traceback)


def test_output_of_children_and_descriptors_keeps_its_order(executed):
    lines = ["import os, sys", "print(1)", "os.system('echo 2')", "os.write(1, b'3\\n')",
             "os.write(2, b'4\\n')", "print(5);"]
    assert executed("\n".join(lines)) == [[printed("1\n2\n3\n"), printed("4\n", "stderr"), printed("5\n")]]


def test_a_run_again_writes_the_same_bytes(run, tmp_path):
    book = save(tmp_path / "book.ipynb", new_markdown_cell("İı ğ\nş"), "print('\\x1b[1mş\\b')\n0.1",
                "from IPython.display import JSON\nJSON({'a': [1e-7, 10**17, None], 'z': 0.1})",
                kernelspec={"name": "mesale", "display_name": "Meşale", "language": "python"}, language_info={"name": "python"},
                ours={"b": 1, "a": 2.50})
    book.chmod(0o640)
    run("--inplace", book)
    first = book.read_bytes()
    run("--inplace", book)
    assert book.read_bytes() == first
    assert stat.S_IMODE(book.stat().st_mode) == 0o640
    assert first.decode() == nbformat.writes(nbformat.reads(first.decode(), 4)) + "\n"
    assert os.listdir(tmp_path) == ["book.ipynb"]


@pytest.mark.parametrize("language", ["tr_TR.UTF-8", "C", None])
def test_the_locale_changes_nothing(run, tmp_path, language):
    environment = {name: value for name, value in os.environ.items() if name not in ("LANG", "LC_ALL", "LC_NUMERIC")}
    if language:
        environment["LC_ALL"] = language
    cells = ["import locale\nlocale.setlocale(locale.LC_ALL, 'tr_TR.UTF-8');", "print('ıİşğ', 0.5)\n1.5",
             "from IPython.display import JSON\nJSON({'half': 0.5, 'I': 'TITLE'})"]
    book = save(tmp_path / "book.ipynb", *cells, half=0.5)
    run("--inplace", book, env=environment)
    written = json.loads(book.read_text("utf-8"))
    assert written["metadata"]["half"] == 0.5
    assert [cell["outputs"] for cell in written["cells"]][1:] == [
        [{"name": "stdout", "output_type": "stream", "text": ["ıİşğ 0.5\n"]},
         {"data": {"text/plain": ["1.5"]}, "execution_count": 2, "metadata": {}, "output_type": "execute_result"}],
        [{"data": {"application/json": {"half": 0.5, "I": "TITLE"},
                   "text/plain": ["<IPython.core.display.JSON object>"]},
          "execution_count": 3, "metadata": {"application/json": {"expanded": False, "root": "root"}},
          "output_type": "execute_result"}]]


def test_cells_run_in_the_folder_of_their_notebook(run, tmp_path):
    (tmp_path / "sub").mkdir()
    save(tmp_path / "sub/book.ipynb", "import os\nprint(os.getcwd())")
    run("--output", "out.ipynb", "sub/book.ipynb", cwd=tmp_path)
    written = nbformat.read(tmp_path / "out.ipynb", 4)
    assert written.cells[0].outputs == [printed(f"{tmp_path / 'sub'}\n")]


def test_cells_behave_as_in_a_kernel(executed):
    assert executed(
        "import asyncio\ntask = asyncio.create_task(asyncio.sleep(0, 'done'))",
        "await task",
        "!echo shell",
        "%%bash\necho magic",
        "get_ipython().__class__.__mro__[1].__name__",
        "Out[2], _i1[:6]",
    ) == [[], [new_output("execute_result", {"text/plain": "'done'"}, execution_count=2)], [printed("shell" + line_end())],
          [printed("magic\n")], [new_output("execute_result", {"text/plain": "'InteractiveShell'"}, execution_count=5)],
          [new_output("execute_result", {"text/plain": "('done', 'import')"}, execution_count=6)]]


def test_exit_ends_the_run(executed):
    assert executed("print(1)", "exit()", "print(3)") == [[printed("1\n")], [], []]


# --- the same as through the protocol ---------------------------------------------------------------------------------

CELLS = ["x = 5\nprint('out')", "import sys\nprint('err', file=sys.stderr)", "x", "from IPython.display import *",
         "display(Markdown('**b**'), HTML('<i>'), x)\nx + 1", "h = display('a', display_id='i')", "h.update('b');",
         "import os\nprint(1)\nos.system('echo 2')\nprint(3)", "import asyncio\nawait asyncio.sleep(0.01, 'slept')",
         "1/0"]


@pytest.fixture
def spec(mesale, python, tmp_path, monkeypatch):
    """A kernelspec that starts the program under test in the environment of the tests."""
    subprocess.run([mesale, "install", "--prefix", tmp_path / "spec", "--python", python], check=True,
                   capture_output=True)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "spec/share/jupyter"))


def test_nbclient_gives_the_same_outputs(spec, run, tmp_path):
    book = nbformat.read(save(tmp_path / "book.ipynb", *CELLS), 4)
    nbclient.NotebookClient(book, kernel_name="mesale", timeout=40, allow_errors=True).execute()
    run("--allow-errors", "--inplace", tmp_path / "book.ipynb")
    ours = nbformat.read(tmp_path / "book.ipynb", 4)
    assert [cell.outputs for cell in ours.cells] == [cell.outputs for cell in book.cells]
    assert ours.metadata.language_info == book.metadata.language_info


@pytest.mark.parametrize("path", TUTORIAL, ids=lambda path: path.stem)
def test_jupyter_execute_gives_what_the_tutorial_stores(spec, python, tmp_path, path):
    book = tmp_path / path.name
    book.write_bytes(path.read_bytes())
    command = pathlib.Path(python).parent / "jupyter-execute"
    subprocess.run([command, "--inplace", "--kernel_name=mesale", book], check=True, capture_output=True, timeout=50)
    stored, now = nbformat.read(path, 4), nbformat.read(book, 4)
    for before, after in zip(stored.cells, now.cells, strict=True):
        if before.cell_type == "code" and not before.source.startswith("!"):
            assert after.outputs == before.outputs


def test_the_tutorial_shows_what_it_stores(run):
    done = run("--check", *TUTORIAL)
    assert "torch.no_grad ile Gradyan Hesaplaması:  None\n" in done.stdout
    assert "\nOrijinal Tensör:  tensor([5.], requires_grad=True)\n" in done.stdout
    assert "\nÖrnek Aritmetik Hesaplama:  tensor([41.])\n" in done.stdout
    assert "Requirement already satisfied: torch in" in done.stdout


# --- --check ----------------------------------------------------------------------------------------------------------


def test_check_passes_on_what_is_stored(run, tmp_path):
    book = save(tmp_path / "book.ipynb", code("print(1)", printed("1\n")),
                code("2", new_output("execute_result", {"text/plain": "2"}, execution_count=99)),
                code("raise ValueError('v')", new_output("error", ename="ValueError", evalue="v", traceback=[]),
                     tags=["raises-exception"]),
                code("import random\nrandom.random()", printed("anything"), tags=["nbval-ignore-output"]),
                code("print(open('missing'))", printed("stored\n"), tags=["nbval-skip"]), code("3;"))
    before = book.read_bytes()
    assert run("--check", book).stderr == f"mesale: {book}: 4 cells show what is stored\n"
    assert book.read_bytes() == before


def test_check_shows_what_differs(run, tmp_path):
    book = save(tmp_path / "book.ipynb", code("print('a\\nb\\nc')", printed("a\nB\nc\n")), code("1", printed("x\n")),
                code("print('same')", printed("same\n")))
    assert run("--check", book, code=1).stderr == (
        f"mesale: {book}: In [1] shows something else than stored (- stored, + now):\n"
        "      [stdout]\n      a\n    - B\n    + b\n      c\n"
        f"mesale: {book}: In [2] shows something else than stored (- stored, + now):\n"
        "    - [stdout]\n    - x\n    + [execute_result text/plain]\n    + 1\n"
        f"mesale: {book}: 2 of 3 compared cells differ\n")


def test_check_fails_when_an_error_is_missing_or_new(run, tmp_path):
    missing = save(tmp_path / "missing.ipynb", code("1;", new_output("error", ename="E", evalue="", traceback=[]),
                                                    tags=["raises-exception"]))
    assert "- E: " in run("--check", missing, code=1).stderr
    new = save(tmp_path / "new.ipynb", code("1/0", printed("1\n")))
    assert "ZeroDivisionError" in run("--check", new, code=1).stderr


# --- errors -----------------------------------------------------------------------------------------------------------


def test_what_was_done_before_an_error_is_written(executed):
    outputs = executed("print(1)", "1/0", code_after := "print(3)", code=1)
    assert outputs[0] == [printed("1\n")] and outputs[1][0].ename == "ZeroDivisionError" and outputs[2] == []
    outputs = executed("1/0", code_after, arguments=["--allow-errors"])
    assert outputs[1] == [printed("3\n")]


@pytest.mark.parametrize("content, words", [
    (b"", "not a notebook: line 1"),
    (b'{"cells": [{"cell_type": "code", "sour', "not a notebook: line 1"),
    (b"\x89PNG\r\n", "not a notebook: line 1"),
    (b'{"nbformat": 3, "nbformat_minor": 0, "worksheets": []}', "nbformat 3 is not supported"),
    (b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "it has no list of cells"),
    (b'{"nbformat": 4, "cells": [], "metadata": {"kernelspec": {"language": "julia"}}}', "written in julia"),
    (b'{"nbformat": 4, "cells": [], "metadata": {"language_info": {"name": "R"}}}', "written in R"),
])
def test_what_cannot_be_run_is_told_and_left_alone(run, tmp_path, content, words):
    book = tmp_path / "book.ipynb"
    book.write_bytes(content)
    done = run("--inplace", book, code=2)
    assert done.stdout == "" and done.stderr.startswith(f"mesale: {book}: ") and words in done.stderr
    assert done.stderr.count("\n") == 1
    assert book.read_bytes() == content


@pytest.mark.parametrize("arguments, words", [
    ([], "no notebook was named"),
    (["--bogus", "x.ipynb"], "unknown option '--bogus'"),
    (["--timeout", "soon", "x.ipynb"], "--timeout wants seconds"),
    (["--output"], "wants a value"),
    (["--output", "y", "--inplace", "x.ipynb"], "exclude each other"),
    (["--output", "y", "a.ipynb", "b.ipynb"], "for one notebook"),
    (["--torch", "fake", "x.ipynb"], "--torch wants 'real'"),
    (["--update", "x.ipynb"], "an option of `mesale test`"),
    (["--lax", "x.ipynb"], "go with --check"),
])
def test_wrong_arguments_are_told(run, arguments, words):
    done = run(*arguments, code=2)
    assert words in done.stderr and done.stdout == ""


def test_a_missing_file_and_a_folder_are_told(run, tmp_path):
    assert "No such file or directory" in run(tmp_path / "none.ipynb", code=2).stderr
    assert "directory" in run(tmp_path, code=2).stderr


# --- parameters, processes, formats -----------------------------------------------------------------------------------


def test_parameters_are_given_as_papermill_gives_them(run, tmp_path):
    book = save(tmp_path / "book.ipynb", "# title", code("name = 'x'\nn = 1\nratio = 0.5", tags=["parameters"]),
                "print(name, n * 2, ratio)")
    values = ["-p", "n", "-21", "-p", "name", 'Ayşe "\\', "-p", "ratio", "1e3"]
    run("--output", tmp_path / "ours.ipynb", *values, book)
    command = [sys.executable, "-m", "papermill", "--prepare-only", book, tmp_path / "theirs.ipynb", *values,
               "-k", "python3", "--language", "python"]
    subprocess.run(command, check=True, capture_output=True)
    ours, theirs = nbformat.read(tmp_path / "ours.ipynb", 4), nbformat.read(tmp_path / "theirs.ipynb", 4)
    nbformat.validate(ours)
    assert ours.cells[3].outputs == [printed('Ayşe "\\ -42 1000.0\n')]
    tags = [[cell.metadata.get("tags", []) for cell in book.cells] for book in (ours, theirs)]
    assert tags[0] == tags[1]
    namespaces = [{}, {}]
    for book, namespace in zip((ours, theirs), namespaces, strict=True):
        exec(book.cells[2].source, namespace)
        namespace.pop("__builtins__")
    assert namespaces[0] == namespaces[1]
    run("--output", tmp_path / "again.ipynb", "-p", "n", "1", tmp_path / "ours.ipynb")
    again = nbformat.read(tmp_path / "again.ipynb", 4)
    assert len(again.cells) == 4 and again.cells[2].source == "# Parameters\nn = 1\n"


def test_parameters_alone_make_the_first_cell(executed):
    assert executed("print(x)", arguments=["-p", "x", "7"]) == [[], [printed("7\n")]]


def test_cells_tagged_so_are_not_run(executed):
    outputs = executed(code("1/0", printed("kept"), tags=["skip-execution"]), "print(1)")
    assert outputs == [[printed("kept")], [printed("1\n")]]


@pytest.mark.parametrize("minor", range(6))
def test_every_minor_format_stays_what_it_is(run, tmp_path, minor):
    image = {"a.png": {"image/png": "iVBORw0KGgo="}}
    book = new_notebook(cells=[code("print(1)"), new_markdown_cell("![a](attachment:a.png)")])
    book.nbformat_minor = minor
    for cell in book.cells if minor < 5 else ():
        del cell["id"]
    if minor >= 1:  # attachments are known from 4.1 on
        book.cells[1].attachments = image
    nbformat.validate(book)
    path = tmp_path / "book.ipynb"
    path.write_text(json.dumps(book))
    run("--inplace", path)
    written = nbformat.from_dict(json.loads(path.read_text()))
    nbformat.validate(written)
    assert written.nbformat_minor == minor and written.cells[0].outputs[0].text == ["1\n"]
    assert [cell.get("id") for cell in written.cells] == [cell.get("id") for cell in book.cells]
    assert written.cells[1].get("attachments") == (image if minor else None)


def test_processes_side_by_side_print_in_the_order_of_the_names(run, tmp_path):
    first = save(tmp_path / "a.ipynb", "import time; time.sleep(0.4)", "print('first')")
    second, third = save(tmp_path / "b.ipynb", "1/0"), save(tmp_path / "c.ipynb", "print('third')")
    done = run("-j3", "--junit", tmp_path / "out.xml", tmp_path, code=1)
    names = [line for line in done.stdout.splitlines() if line.endswith(".ipynb")]
    assert names == [str(first), str(second), str(third)]
    assert done.stderr == f"mesale: {second}: In [1] failed: ZeroDivisionError: division by zero\n"
    root = ElementTree.parse(tmp_path / "out.xml").getroot()
    assert [suite.get("failures") for suite in root] == ["0", "1", "0"]


PROBE = """import os, random, signal, sys, threading
state = {
    "modules": sorted(sys.modules), "path": sys.path, "folder": os.getcwd(), "threads": threading.active_count(),
    "buffering": [(f.line_buffering, f.isatty(), f.encoding) for f in (sys.__stdout__, sys.__stderr__)],
    "signals": [getattr(signal.getsignal(n), "__name__", n) for n in (2, 13, 15, 17)],
    "mask": sorted(signal.pthread_sigmask(0, [])),
    "files": len(os.listdir("/proc/self/fd")) - int(os.environ.get("PROBE_FILES", 0)), "names": sorted(globals()),
    "environment": {key: value for key, value in os.environ.items() if not key.startswith("PROBE")},
    "arguments": sys.argv, "program": sys.executable,
}
import json
with open(os.environ["PROBE"], "a") as file:
    file.write(json.dumps([state, random.random()], default=str) + "\\n")"""


def test_a_process_forked_for_a_notebook_is_like_one_that_was_started_for_it(run, tmp_path):
    """What a cell can see is the same, and what must differ from process to process does."""
    books, lines = [save(tmp_path / name, PROBE) for name in ("a.ipynb", "b.ipynb")], tmp_path / "lines"
    environment = dict(os.environ, PROBE=str(lines), OMP_NUM_THREADS="1")
    run(books[0], env=environment)
    run("-j2", *books, env=dict(environment, PROBE_FILES="1"))
    single, *pair = map(json.loads, lines.read_text().splitlines())
    assert len(pair) == 2
    for state, _ in pair:
        differing = {key for key in state if state[key] != single[0][key]}
        assert not differing, {key: (single[0][key], state[key]) for key in differing}
    assert len({number for _, number in (single, *pair)}) == 3


def test_a_process_that_dies_is_told(run, tmp_path):
    dead, alive = save(tmp_path / "a.ipynb", "import os\nos.abort()"), save(tmp_path / "b.ipynb", "print('alive')")
    done = run(dead, alive, code=1)
    assert f"mesale: {dead}: ended by signal 6 (Aborted)\n" in done.stderr and "alive\n" in done.stdout


def test_a_cell_that_cannot_be_interrupted_loses_nothing_but_itself(run, tmp_path):
    book = save(tmp_path / "book.ipynb", "print(1)",
                "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nprint(2)\ntime.sleep(60)")
    done = run("--timeout", "0.5", "--inplace", book, code=1)
    assert done.stderr == f"mesale: {book}: In [2] did not stop when it was interrupted\n"
    assert [cell.outputs for cell in nbformat.read(book, 4).cells] == [[printed("1\n")], [printed("2\n")]]


# --- interrupts and limits --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wait", ["import time; time.sleep(60)", "import asyncio; await asyncio.sleep(60)",
                                  "while True: pass"])
def test_an_interrupt_keeps_what_is_done(mesale, python, tmp_path, wait):
    flag = tmp_path / "started"
    book = save(tmp_path / "book.ipynb", "print(1)", f"open({str(flag)!r}, 'w').close()\n{wait}", "print(3)")
    child = subprocess.Popen([mesale, "run", "--python", python, "--inplace", book], stderr=subprocess.PIPE, text=True)
    while not flag.exists():
        assert child.poll() is None
        time.sleep(0.01)
    time.sleep(0.05)
    begin = time.monotonic()
    child.send_signal(signal.SIGINT)
    _, log = child.communicate(timeout=20)
    assert time.monotonic() - begin < 2 * SLOWNESS
    assert child.returncode == 130 and "In [2] was interrupted" in log
    outputs = [cell.outputs for cell in nbformat.read(book, 4).cells]
    assert outputs[0] == [printed("1\n")] and outputs[1][-1].ename == "KeyboardInterrupt" and outputs[2] == []


@pytest.mark.parametrize("command", [["run", "--inplace"], ["run", "-j2", "--inplace"]], ids=" ".join)
def test_a_cell_that_catches_the_interrupt_is_the_last(mesale, python, tmp_path, command):
    flag = tmp_path / "started"
    book = save(tmp_path / "a.ipynb", f"import time\ntry:\n    open({str(flag)!r}, 'w').close()\n    time.sleep(60)\n"
                                      "except KeyboardInterrupt:\n    print('caught')", "print(2)")
    books = [book, save(tmp_path / "b.ipynb", "print('b')", "import time; time.sleep(60)")]
    child = subprocess.Popen([mesale, *command, "--python", python, *books[:len(command) - 1]], stderr=subprocess.PIPE,
                             text=True)
    while not flag.exists() or (len(command) > 2 and time.time() - flag.stat().st_mtime < 1):
        assert child.poll() is None
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    _, log = child.communicate(timeout=20)
    assert child.returncode == 130 and f"mesale: {book}: interrupted\n" in log
    assert [cell.outputs for cell in nbformat.read(book, 4).cells] == [[printed("caught\n")], []]
    if len(command) > 2:
        outputs = [cell.outputs for cell in nbformat.read(books[1], 4).cells]
        assert outputs[0] == [printed("b\n")] and outputs[1][0].ename == "KeyboardInterrupt"


def test_an_interrupt_of_several_notebooks_stops_them_all(mesale, python, tmp_path):
    flag = tmp_path / "started"
    first = save(tmp_path / "a.ipynb", f"open({str(flag)!r}, 'w').close()\nimport time; time.sleep(60)")
    second = save(tmp_path / "b.ipynb", "print('second')")
    child = subprocess.Popen([mesale, "run", "--python", python, first, second], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
    while not flag.exists():
        assert child.poll() is None
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    out, log = child.communicate(timeout=20)
    assert child.returncode == 130 and "interrupted" in log and "second" not in out


def test_a_cell_over_its_limit_is_interrupted(run, tmp_path):
    book = save(tmp_path / "book.ipynb", "print(1)", "import time; time.sleep(60)")
    assert "In [2] took longer than 0.5 s" in run("--timeout", "0.5", book, code=1).stderr


def test_notebooks_share_no_state(run, tmp_path):
    first, second = save(tmp_path / "a.ipynb", "x = 1"), save(tmp_path / "b.ipynb", "print('x' in globals())", "1/0")
    third = save(tmp_path / "c.ipynb", "print('third')")
    done = run(first, second, third, code=1)
    assert "False\n" in done.stdout and "third\n" in done.stdout
    broken = tmp_path / "broken.ipynb"
    broken.write_text("{")
    assert "third\n" in run(broken, third, code=2).stdout


def test_the_interpreter_may_be_named_from_here(mesale, python, tmp_path):
    book = save(tmp_path / "book.ipynb", "1")
    near = subprocess.run([mesale, "run", "--python", f"./{os.path.basename(python)}", book],
                          cwd=os.path.dirname(python), capture_output=True, text=True)
    assert near.returncode == 0, near.stderr
