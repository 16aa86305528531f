"""Kernels as hubs and gateways start them: other users, poor environments, odd places."""

import json
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import tempfile

import pytest

from client import PORTS, Kernel, connection

ROOT = os.getuid() == 0
BECOME = """
import os, sys
user = int(sys.argv[1])
if user != os.getuid():
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
os.execv(sys.argv[2], sys.argv[2:])
"""


def other_user():
    """The id of "nobody" where we may become that user and it can reach the program, else our own."""
    program = shutil.which(os.environ["MESALE"]) or os.environ["MESALE"]
    if not ROOT:
        return os.getuid()
    tried = subprocess.run(["test", "-x", program], user=65534, group=65534, extra_groups=[])
    reaches = subprocess.run(["test", "-x", sys.executable], user=65534, group=65534)
    return 65534 if tried.returncode == 0 and reaches.returncode == 0 else 0


@pytest.fixture
def place():
    """A folder that every user can reach."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="launch-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def launch(place):
    kernels = []

    def make(**options):
        kernels.append(Kernel(place, **options))
        return kernels[-1]

    yield make
    for one in kernels:
        one.stop()


def own_file(place, user, name="kernel.json", **fields):
    """A connection file that belongs to that user alone."""
    file = place / name
    file.touch(0o600)
    file.write_text(json.dumps(connection(**fields)))
    if ROOT:
        os.chown(file, user, user)
    return file


def become(user):
    return [sys.executable, "-c", BECOME, str(user)]


def test_a_kernel_of_another_user_serves_the_one_who_started_it(place, launch):
    user = other_user()
    file = own_file(place, user)
    process = launch(file=file, prefix=become(user), env={"HOME": "/nonexistent"})
    client = process.client()
    code = "import os; os.getuid(), os.geteuid(), os.getgroups() == [] or os.getuid() != 65534"
    assert client.run(code).ok().result == f"({user}, {user}, True)"
    assert "chmod" not in process.log.read_text()
    client.interrupt("message")
    request = client.run_until("import time; print('on', flush=True); time.sleep(30)", "on")
    client.interrupt("message")
    client.wait(request).failed("KeyboardInterrupt")


def test_another_user_writes_the_ports_into_its_own_folder(place, launch):
    user = other_user()
    folder = place / "of its own"
    folder.mkdir(0o700)
    file = own_file(folder, user, ip="0.0.0.0", **dict.fromkeys(PORTS, 0))
    if ROOT:
        os.chown(folder, user, user)
    process = launch(file=file, prefix=become(user), env={"HOME": str(folder)}, umask=0)
    process.wait_for_ports()
    state = file.stat()
    assert (state.st_uid, stat.S_IMODE(state.st_mode)) == (user, 0o600)
    assert process.client().run("6 * 7").ok().result == "42"


def test_ports_that_cannot_be_written_back_end_the_start_in_one_line(place):
    folder = place / "closed"
    folder.mkdir()
    file = own_file(folder, other_user(), **dict.fromkeys(PORTS, 0))
    folder.chmod(0o555)
    target = "/proc/self/fdinfo" if not ROOT or other_user() == 0 else None
    if target:  # whoever may write everywhere may not write into /proc
        file = pathlib.Path(shutil.copy(file, place / "copy.json"))
        link = place / "link.json"
        link.symlink_to("/proc/self/fd/0")
        file, standard_input = link, open(file, "rb")
    else:
        standard_input = subprocess.DEVNULL
    with subprocess.Popen(
        [*become(other_user()), os.environ["MESALE"], "kernel", "-f", str(file)],
        stdin=standard_input,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
    ) as process:
        said = process.stderr.read()
    assert process.returncode == 1 and said.count("\n") == 1 and "cannot be written" in said
    folder.chmod(0o755)
    assert [path.name for path in folder.iterdir()] == ["kernel.json"]


POOR = {
    "HOME is missing": {"HOME": None},
    "HOME is empty": {"HOME": ""},
    "HOME is not there": {"HOME": "/nonexistent/home"},
    "HOME cannot be written": {"HOME": "/proc"},
    "HOME is a file": {"HOME": "/etc/passwd"},
    "HOME is relative": {"HOME": "x"},
    "IPYTHONDIR cannot be written": {"IPYTHONDIR": "/proc/ipython", "HOME": "/proc"},
    "state cannot be written": {"XDG_STATE_HOME": "/proc", "XDG_CACHE_HOME": "/proc"},
    "runtime cannot be written": {"XDG_RUNTIME_DIR": "/proc", "JUPYTER_RUNTIME_DIR": "/proc"},
    "names are missing": {"USER": None, "LOGNAME": None, "PATH": None, "LANG": None, "TERM": None},
    "everything of a hub": {
        "JUPYTERHUB_API_TOKEN": "token",
        "JUPYTERHUB_SERVICE_PREFIX": "/user/ş/",
        "KERNEL_ID": "a-b",
        "KERNEL_USERNAME": "ayşe",
        "KERNEL_LANGUAGE": "python",
        "EG_IMPERSONATION_ENABLED": "False",
        "JPY_API_TOKEN": "",
        "JPY_SESSION_NAME": "/home/ş/a b.ipynb",
    },
}


@pytest.mark.parametrize("kind", POOR)
def test_poor_environments(launch, kind):
    process = launch(env=POOR[kind])
    client = process.client()
    assert client.run("%time 6 * 7").ok().result == "42"
    assert client.run("x = !echo ok\nx").ok().result == "['ok']"
    client.run("1 / 0").failed("ZeroDivisionError")
    name = POOR[kind].get("JPY_SESSION_NAME")
    assert client.run("globals().get('__session__')").ok().result == (repr(name) if name else None)
    said = [line for line in process.log.read_text().splitlines() if line]
    assert not [line for line in said if "Traceback" in line], said


def test_an_environment_without_any_variable(launch):
    variables = dict.fromkeys(os.environ)
    client = launch(env=variables).client()
    assert client.run("6 * 7").ok().result == "42"
    assert client.run("import subprocess; subprocess.getoutput('echo ok')").ok().result == "'ok'"


@pytest.mark.parametrize("folder", ["/", "/proc", "/proc/self"])
def test_working_folders_that_cannot_be_written(launch, folder):
    client = launch(cwd=folder).client()
    assert client.run("import os; len(os.getcwd()) > 0").ok().result == "True"
    client.run("open('new', 'x')" if folder != "/" else "raise FileNotFoundError").reply


def test_a_working_folder_that_is_gone(place, launch):
    gone = place / "gone"
    gone.mkdir()
    code = "import os, sys; os.rmdir(os.getcwd()); os.execv(sys.argv[1], sys.argv[1:])"
    process = launch(cwd=gone, prefix=[sys.executable, "-c", code])
    assert process.client().run("6 * 7").ok().result == "42"


@pytest.mark.parametrize("mask", [0, 0o777])
def test_any_umask(place, launch, mask):
    process = launch(umask=mask, info=connection(**dict.fromkeys(PORTS, 0)))
    process.wait_for_ports()
    client = process.client()
    assert client.run("6 * 7").ok().result == "42"
    assert stat.S_IMODE(process.file.stat().st_mode) == 0o600


@pytest.mark.parametrize("quoted", [False, True])
@pytest.mark.parametrize("option", ["-f", "--f=", "--connection-file="])
def test_names_with_blanks_and_quotes(place, quoted, option):
    folder = place / "a folder, ş"
    folder.mkdir()
    file = own_file(folder, os.getuid(), 'kernel "1".json', **dict.fromkeys(PORTS, 0))
    text = f'"{file}"' if quoted else str(file)
    argument = [option, text] if option == "-f" else [option + text]
    process = subprocess.Popen(
        [os.environ["MESALE"], "kernel", "--python", sys.executable, *argument],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    started = Kernel.__new__(Kernel)
    started.process, started.file, started.clients = process, file, []
    started.info = json.loads(file.read_text())
    started.log = place / "none.log"
    started.log.touch()
    try:
        started.wait_for_ports()
        assert started.client().run("6 * 7").ok().result == "42"
    finally:
        started.stop()


def test_closed_descriptors(launch):
    process = launch(prefix=["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"])
    client = process.client()
    assert client.run("import os; os.write(1, b'x'); 6 * 7").ok().result == "42"


def test_few_descriptors(launch):
    process = launch(prefix=["sh", "-c", 'ulimit -n 64; exec "$@"', "sh"])
    client = process.client()
    assert client.run("6 * 7").ok().result == "42"
    client.run("files = []\nwhile True: files.append(open('/dev/null'))").failed("OSError")
    assert client.run("files.clear(); 6 * 7").ok().result == "42"


def test_a_kernel_that_leads_no_group_ends_no_others(place, launch):
    """A launcher may keep the kernel in its own group; then the group is not ours to end."""
    code = (
        "import subprocess, sys, time\n"
        "subprocess.Popen(sys.argv[1:])\n"
        "time.sleep(60)\n"
    )
    process = launch(prefix=[sys.executable, "-c", code])
    client = process.client()
    assert client.run("import os; os.getpgrp() == os.getpid()").ok().result == "False"
    assert client.ask("shutdown_request", {"restart": False}, "control").status == "ok"
    client.collect(1.0)
    assert process.process.poll() is None, "the launcher was ended"
