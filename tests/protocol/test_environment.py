"""The cell is in the environment the kernel was given: a virtual one, or the system's python3."""

import pathlib
import subprocess
import sys

import pytest

SYSTEM = f"{sys.base_prefix}/bin/python3"  # what the tests' environment was made from


@pytest.fixture(scope="module")
def packages():
    """Where the tests' own packages are: what a system interpreter must be shown to have IPython."""
    import IPython

    return str(pathlib.Path(IPython.__file__).parent.parent)


@pytest.fixture
def system(start, packages):
    """A client of a kernel in the system's python3, with IPython on its path."""
    return start(python=SYSTEM, env={"PYTHONPATH": packages}).client()


def test_interpreter_and_prefix_are_the_environments(kernel):
    outcome = kernel.run(
        "import sys\nprint(sys.executable, sys.prefix, sys.base_prefix, sep='\\n')"
    ).ok()
    assert outcome.stdout.split("\n")[:3] == [sys.executable, sys.prefix, sys.base_prefix]


def test_the_environment_is_active_for_children(kernel):
    binaries = str(pathlib.Path(sys.prefix) / "bin")
    outcome = kernel.run(
        "import os, shutil\nprint(os.environ['VIRTUAL_ENV'], os.environ['PATH'].split(':')[0], "
        "shutil.which('python'), sep='\\n')"
    ).ok()
    assert outcome.stdout.split("\n")[:3] == [sys.prefix, binaries, binaries + "/python"]
    assert (
        kernel.run("!python -c 'import sys; print(sys.prefix)'").ok().stdout.strip() == sys.prefix
    )
    code = (
        "import subprocess, sys\nprint(subprocess.run([sys.executable, '-c', 'import IPython, sys; "
        "print(sys.prefix)'], capture_output=True, text=True).stdout)"
    )
    assert kernel.run(code).ok().stdout.strip() == sys.prefix


def test_pip_is_the_environments(kernel):
    for code in ("%pip --version", "!pip --version", "!python -m pip --version"):
        assert sys.prefix in kernel.run(code, 30).ok().stdout, code


def test_pip_sees_what_is_installed(kernel):
    text = kernel.run("%pip install ipython", 40).ok().stdout
    assert "Requirement already satisfied: ipython" in text
    assert "restart the kernel" in text


def test_paths_are_those_of_python(kernel):
    ours = eval(kernel.run("import sys; sys.path").ok().result)
    assert "" in ours[:2] or str(kernel.kernel.folder) in ours[:2], (
        "the notebook's folder comes first"
    )
    plain = subprocess.run(
        [sys.executable, "-c", "import sys; print(sys.path[1:])"], capture_output=True, text=True
    )
    missing = [path for path in eval(plain.stdout) if path not in ours]
    assert not missing
    extra = [path for path in ours if path and path not in eval(plain.stdout)]
    assert len(extra) <= 1, f"only the folder with torch may be added: {extra}"


def test_modules_beside_the_notebook_are_imported(kernel):
    (kernel.kernel.folder / "beside.py").write_text("value = 'beside'\n")
    assert kernel.run("import beside; beside.value").ok().result == "'beside'"


def test_main_is_the_notebook(kernel):
    outcome = kernel.run(
        "import __main__, sys\n"
        "(__main__ is sys.modules['__main__'], hasattr(__main__, '__file__'), "
        "sys.argv[0] != '', len(sys.argv) >= 1)"
    ).ok()
    assert outcome.result.startswith("(True, False")


SPAWN = """
import multiprocessing, work
if __name__ == '__main__':
    with multiprocessing.get_context({method!r}).Pool(2) as pool:
        print(sorted(pool.map(work.square, range(10))), set(pool.map(work.prefix, range(4))))
"""
WORK = "import sys\ndef square(x): return x * x\ndef prefix(_): return sys.prefix\n"
SQUARES = str([x * x for x in range(10)])


def check_pool(client, method, prefix):
    (client.kernel.folder / "work.py").write_text(WORK)
    outcome = client.run(SPAWN.format(method=method), 40).ok()
    assert outcome.stdout == f"{SQUARES} {{{prefix!r}}}\n"
    assert client.run("6 * 7").ok().result == "42"


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_pools_of_processes_work(kernel, method):
    check_pool(kernel, method, sys.prefix)


def test_functions_of_the_cell_go_to_forked_pools(kernel):
    code = (
        "import multiprocessing\ndef cube(x):\n    return x ** 3\n"
        "with multiprocessing.get_context('fork').Pool(2) as pool:\n"
        "    print(pool.map(cube, range(5)))"
    )
    assert kernel.run(code, 40).ok().stdout == "[0, 1, 8, 27, 64]\n"


def test_joblib_works_with_functions_of_the_cell(kernel):
    code = (
        "from joblib import Parallel, delayed\ndef half(x):\n    return x / 2\n"
        "print(Parallel(n_jobs=2)(delayed(half)(i) for i in range(4)))"
    )
    assert kernel.run(code, 40).ok().stdout == "[0.0, 0.5, 1.0, 1.5]\n"
    kernel.run(
        "from joblib.externals.loky import get_reusable_executor\n"
        "get_reusable_executor().shutdown()"
    ).ok()


def test_process_pool_executor_works(kernel):
    (kernel.kernel.folder / "work.py").write_text(WORK)
    code = (
        "import concurrent.futures as cf, work\nwith cf.ProcessPoolExecutor(2) as pool:\n"
        "    print(list(pool.map(work.square, range(3))))"
    )
    assert kernel.run(code, 40).ok().stdout == "[0, 1, 4]\n"


def test_the_systems_python_is_itself(system):
    outcome = system.run(
        "import sys, os\nprint(sys.executable, sys.prefix, os.environ.get('VIRTUAL_ENV'))"
    ).ok()
    assert outcome.stdout == f"{SYSTEM} {sys.base_prefix} None\n"
    text = system.run("!python3 -c 'import sys; print(sys.prefix)'").ok().stdout
    assert text.strip() == sys.base_prefix


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_pools_work_in_the_systems_python(system, method):
    check_pool(system, method, sys.base_prefix)


def test_without_ipython_the_first_cell_says_what_to_do(start, tmp_path):
    empty = tmp_path / "empty"
    subprocess.run([SYSTEM, "-m", "venv", "--without-pip", str(empty)], check=True)
    client = start(python=str(empty / "bin/python")).client()
    assert client.ask("kernel_info_request").status == "ok"
    outcome = client.run("1 + 1")
    assert outcome.status == "error"
    said = outcome.reply["evalue"] + "\n".join(outcome.reply["traceback"])
    assert "IPython" in said or "ipython" in said
    assert f"{empty}/bin/python -m pip install" in said, said
    assert client.run("2").status == "error"
    assert client.ask("kernel_info_request").status == "ok"
    client.ask("shutdown_request", {"restart": False}, "control", reply=True)
    assert client.kernel.exit_within(3) == 0


def test_an_interpreter_that_is_not_there_is_told(start, tmp_path):
    process = start(python=str(tmp_path / "no/python"))
    try:
        status = process.exit_within(3)
    except subprocess.TimeoutExpired:
        outcome = process.client().run("1")
        assert outcome.status == "error" and "no/python" in str(outcome.reply)
    else:
        assert status != 0 and "no/python" in process.log.read_text()


def other_torch(folder):
    """A virtual environment with a torch of its own; returns its python."""
    import IPython

    subprocess.run([SYSTEM, "-m", "venv", "--without-pip", str(folder)], check=True)
    site = next((folder / "lib").glob("python3*/site-packages"))
    (site / "shared.pth").write_text(str(pathlib.Path(IPython.__file__).parent.parent))
    (site / "torch").mkdir()
    (site / "torch/__init__.py").write_text("__version__ = 'their own'\n")
    return str(folder / "bin/python"), site / "torch"


def test_a_torch_of_the_environment_stays_untouched_and_can_be_chosen(start, tmp_path):
    python, folder = other_torch(tmp_path / "env")
    chosen = start(python=python, arguments=["--torch", "real"]).client()
    assert chosen.run("import torch; torch.__version__").ok().result == "'their own'"
    assert (
        chosen.run("!python -c 'import torch; print(torch.__version__)'").ok().stdout.strip()
        == "their own"
    )
    ours = start(python=python).client()
    assert ours.run("import torch; torch.__version__", 30).ok().result == "'2.13.0+mesale'"
    assert (folder / "__init__.py").read_text() == "__version__ = 'their own'\n"


def test_variables_of_the_environment_reach_the_cell(start):
    client = start(
        env={"MESALE_TEST": "ışık", "JPY_SESSION_NAME": "/tmp/not defteri.ipynb"}
    ).client()
    assert client.run("import os; os.environ['MESALE_TEST']").ok().result == "'ışık'"
    assert client.run("__session__").ok().result == "'/tmp/not defteri.ipynb'"
