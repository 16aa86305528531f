"""`mesale install` and `mesale info`."""
import json
import os
import pathlib
import subprocess
import sys
import venv

import pytest

LOGOS = {"logo-32x32.png", "logo-64x64.png", "logo-svg.svg"}


@pytest.fixture
def install(mesale, python):
    def call(*arguments, code=0, environment=None, interpreter=python):
        command = [mesale, "install", *(["--python", interpreter] if interpreter else []), *map(str, arguments)]
        names = {key: value for key, value in (os.environ | (environment or {})).items() if value is not None}
        done = subprocess.run(command, capture_output=True, text=True, env=names, timeout=30)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return call


def read(folder):
    assert set(os.listdir(folder)) == LOGOS | {"kernel.json"}
    for logo in LOGOS:
        assert (folder / logo).stat().st_size > 100
    return json.loads((folder / "kernel.json").read_text("utf-8"))


def test_prefix_gets_a_whole_kernelspec(install, mesale, python, tmp_path):
    done = install("--prefix", tmp_path / "deep/er")
    folder = tmp_path / "deep/er/share/jupyter/kernels/mesale"
    assert str(folder) in done.stdout
    assert read(folder) == {
        "argv": [mesale, "kernel", "--python", sys.executable, "-f", "{connection_file}"],
        "display_name": "Meşale", "language": "python", "interrupt_mode": "signal", "kernel_protocol_version": "5.6",
        "metadata": {"debugger": True, "supported_encryption": ["curve"]}}
    assert "Meşale" in (folder / "kernel.json").read_text("utf-8")
    install("--prefix", tmp_path / "deep/er")  # once more, over the old one
    read(folder)


def test_user_follows_the_rules_of_jupyter(install, tmp_path):
    unset = {"JUPYTER_DATA_DIR": None, "XDG_DATA_HOME": None, "HOME": str(tmp_path)}
    install("--user", environment=unset)
    read(tmp_path / ".local/share/jupyter/kernels/mesale")
    install("--user", environment=unset | {"XDG_DATA_HOME": str(tmp_path / "xdg")})
    read(tmp_path / "xdg/jupyter/kernels/mesale")
    install("--user", environment=unset | {"JUPYTER_DATA_DIR": str(tmp_path / "data"), "XDG_DATA_HOME": "/nowhere"})
    read(tmp_path / "data/kernels/mesale")
    for name, environment in (("a", unset), ("b", unset | {"XDG_DATA_HOME": str(tmp_path / "xdg")})):
        install("--user", "--name", name, environment=environment)
        names = {key: value for key, value in (os.environ | environment).items() if value is not None}
        code = "from jupyter_core.paths import jupyter_data_dir as d; print(d())"
        folder = subprocess.run([sys.executable, "-c", code], env=names, capture_output=True, text=True).stdout.strip()
        read(pathlib.Path(folder) / "kernels" / name)


@pytest.fixture
def environment_folder(tmp_path):
    """A virtual environment that sees the packages of the tests."""
    folder = tmp_path / "environment"
    venv.create(folder, symlinks=True)
    site = next(folder.glob("lib/python3*/site-packages"))
    (site / "tests.pth").write_text("\n".join(path for path in sys.path if "site-packages" in path) + "\n")
    return folder


def test_sys_prefix_is_the_environment_of_the_interpreter(install, environment_folder):
    python = environment_folder / "bin/python"
    install("--sys-prefix", interpreter=python)
    spec = read(environment_folder / "share/jupyter/kernels/mesale")
    assert spec["argv"][3] == str(python)


def test_an_active_environment_is_the_default(install, environment_folder, tmp_path):
    install(interpreter=None, environment={"VIRTUAL_ENV": str(environment_folder)})
    spec = read(environment_folder / "share/jupyter/kernels/mesale")
    assert spec["argv"][3] == str(environment_folder / "bin/python")
    install(environment={"VIRTUAL_ENV": None, "JUPYTER_DATA_DIR": str(tmp_path / "user")})
    read(tmp_path / "user/kernels/mesale")


def test_real_torch_makes_a_kernel_of_its_own(install, tmp_path):
    install("--prefix", tmp_path, "--torch", "real")
    spec = read(tmp_path / "share/jupyter/kernels/mesale-pytorch")
    assert spec["argv"][4:6] == ["--torch", "real"] and spec["display_name"] == "Meşale (PyTorch)"


def test_jupyter_lists_and_removes_it(install, python, tmp_path):
    install("--user", "--name", "meşale".replace("ş", "s") + ".1_x-y")
    command = [python, "-m", "jupyter_client.kernelspecapp"]
    listed = json.loads(subprocess.run([*command, "list", "--json"], capture_output=True, text=True).stdout)
    assert listed["kernelspecs"]["mesale.1_x-y"]["spec"]["display_name"] == "Meşale"
    subprocess.run([*command, "remove", "-y", "mesale.1_x-y"], check=True, capture_output=True)


def test_another_version_of_python_is_refused(install, tmp_path):
    other = tmp_path / "python3.99"
    other.write_text("""#!/bin/sh
echo '{"executable": "/opt/python3.99", "prefix": "/opt", "ipython": "9.0", "version": "3.99.1", "minor": "3.99"}'
""")
    other.chmod(0o755)
    done = install("--prefix", tmp_path / "out", interpreter=other, code=1)
    here = "%d.%d" % sys.version_info[:2]
    assert done.stderr == (f"mesale install: /opt/python3.99 is Python 3.99.1, and this mesale embeds Python {here}. "
                           "Build one for it with:\n    make PYTHON=/opt/python3.99\n")
    assert not (tmp_path / "out").exists()


def test_an_interpreter_without_ipython_gets_the_line_that_helps(install, tmp_path):
    venv.create(tmp_path / "bare", symlinks=True)
    python = tmp_path / "bare/bin/python"
    done = install("--prefix", tmp_path / "out", interpreter=python, code=1)
    assert f"{python} has no IPython" in done.stderr
    assert f"{python} -m pip install 'ipython>=9,<10' comm matplotlib-inline" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("interpreter", ["/nowhere/python", "/bin/true", "/bin/false"])
def test_what_is_no_python_is_told(install, tmp_path, interpreter):
    done = install("--prefix", tmp_path, interpreter=interpreter, code=1)
    assert done.stderr == f"mesale install: {interpreter} does not run as a Python interpreter\n"


def test_a_place_that_cannot_be_made_is_told(install, tmp_path):
    (tmp_path / "file").write_text("")
    done = install("--prefix", tmp_path / "file", code=1)
    assert "cannot make" in done.stderr and "Not a directory" in done.stderr


@pytest.mark.parametrize("arguments, words", [
    (["--bogus"], "unknown option '--bogus'"),
    (["--prefix"], "wants a value"),
    (["extra"], "unexpected argument 'extra'"),
    (["--user", "--sys-prefix"], "exclude each other"),
    (["--name", "a/b"], "'a/b' cannot name a kernel"),
    (["--name", ""], "'' cannot name a kernel"),
    (["--torch", "ours"], "--torch wants 'real'"),
])
def test_wrong_arguments_are_told(install, arguments, words):
    done = install(*arguments, code=2)
    assert words in done.stderr and done.stdout == ""


def test_info_tells_what_a_report_needs(mesale, python):
    done = subprocess.run([mesale, "info", "--python", python], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr
    told = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    assert told["program"] == mesale
    assert told["python"] == f"{sys.version.split()[0]} at {sys.executable}"
    for key in ("mesale", "system", "libzmq", "libsodium", "jansson", "gpu", "ipython", "instruction-set", "threads",
                "blas", "cuda"):
        assert told[key], key
    assert told["torch"].startswith("2.13.0+mesale in ") and "Meşale's own" in told["torch"]


def test_info_without_a_python_says_so(mesale):
    done = subprocess.run([mesale, "info", "--python", "/nowhere/python"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert "python-problem: " in done.stdout and "/nowhere/python" in done.stdout
