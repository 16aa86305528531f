"""What runs notebooks without a browser runs ours with the kernel: nbclient, papermill, nbconvert, nbval, nbmake, and
jupyter_server through its REST API and websocket.
"""

import json
import os
import pathlib
import socket
import subprocess
import sys
import time
import urllib.request
import uuid

import nbformat
import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
MESALE = os.environ["MESALE"]  # conftest.py sees to it
SLOWNESS = float(os.environ.get("TEST_SLOWNESS", "1"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
assert NOTEBOOKS


def module(*arguments, cwd=None, status=0):
    """Run `python -m …`; its output. A port that the client library chose may be taken by another
    program before the kernel listens there: the kernel says so, and it is tried again.
    """
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-m", *map(str, arguments)],
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=100 * SLOWNESS,
        )
        if done.returncode == status or "cannot listen on" not in done.stdout:
            break
    assert done.returncode == status, done.stdout[-6000:]
    return done.stdout


def printed(path):
    """The text that the notebook's cells have printed, but for what differs from run to run."""
    cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    same = [c for c in cells if "nbval-ignore-output" not in c.metadata.get("tags", ())]
    outputs = [o for cell in same for o in cell.outputs]
    return "".join(o.text for o in outputs if o.output_type == "stream")


@pytest.fixture(scope="module", autouse=True)
def kernelspec(tmp_path_factory):
    """The kernel in the environment of the tests, which has what the notebooks import."""
    folder = tmp_path_factory.mktemp("share")
    command = [sys.executable, ROOT / "kernelspec/install.py", "--program", MESALE]
    command += ["--python", sys.executable, folder / "kernels/mesale"]
    subprocess.run(command, check=True)
    before = os.environ.get("JUPYTER_PATH", "")
    os.environ["JUPYTER_PATH"] = str(folder)
    yield
    os.environ["JUPYTER_PATH"] = before


@pytest.fixture(scope="module")
def notebooks(tmp_path_factory):
    """Copies of the notebooks, without the cells that install something."""
    folder = tmp_path_factory.mktemp("notebooks")
    for path in NOTEBOOKS:
        content = nbformat.read(path, as_version=4)
        content.cells = [c for c in content.cells if not c.source.startswith(("!pip", "%pip"))]
        assert content.metadata.kernelspec.name == "mesale"
        nbformat.write(content, folder / path.name)
    return sorted(folder.glob("*.ipynb"))


@pytest.mark.parametrize("number", range(len(NOTEBOOKS)), ids=[path.stem for path in NOTEBOOKS])
def test_nbclient(notebooks, number):
    from nbclient import NotebookClient

    content = nbformat.read(notebooks[number], as_version=4)
    NotebookClient(content, timeout=30 * SLOWNESS, kernel_name="mesale").execute()
    codes = [c for c in content.cells if c.cell_type == "code"]
    assert [c.execution_count for c in codes] == list(range(1, len(codes) + 1))


# these run all notebooks in one process each
@pytest.mark.timeout(400)
def test_nbconvert(notebooks, tmp_path):
    module("nbconvert", "--to", "notebook", "--execute", *notebooks, "--output-dir", tmp_path)
    for path in notebooks:
        assert printed(tmp_path / path.name) == printed(path)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("language", ["en", "tr"])
def test_nbval(notebooks, language, monkeypatch):
    """The stored outputs are compared with what the kernel gives to the notebooks' readers."""
    monkeypatch.setenv("LC_ALL", {"en": "C.UTF-8", "tr": "tr_TR.UTF-8"}[language])
    theirs = [path for path in notebooks if path.stem.endswith(language)]
    text = module("pytest", "-q", "-p", "no:cacheprovider", "--nbval", *theirs, cwd=theirs[0].parent)
    assert " passed" in text and "failed" not in text


@pytest.mark.timeout(400)
def test_nbmake(notebooks):
    text = module(
        "pytest", "-q", "-p", "no:cacheprovider", "--nbmake", *notebooks, cwd=notebooks[0].parent
    )
    assert f"{len(notebooks)} passed" in text


def test_papermill_sets_parameters(tmp_path):
    v = nbformat.v4
    cells = [
        v.new_code_cell("ad = 'Ayşe'\nn = 1", metadata={"tags": ["parameters"]}),
        v.new_code_cell("print(ad, n * 6)"),
    ]
    spec = {"name": "mesale", "display_name": "Meşale", "language": "python"}
    nbformat.write(
        v.new_notebook(cells=cells, metadata={"kernelspec": spec}), tmp_path / "in.ipynb"
    )
    module(
        "papermill",
        tmp_path / "in.ipynb",
        tmp_path / "out.ipynb",
        "-p",
        "n",
        "7",
        "-p",
        "ad",
        "Çiğdem",
    )
    assert printed(tmp_path / "out.ipynb") == "Çiğdem 42\n"


def test_papermill_tells_the_cell_that_failed(tmp_path):
    v = nbformat.v4
    cells = [v.new_code_cell(code) for code in ("1", "1 / 0", "print('not reached')")]
    spec = {"name": "mesale", "display_name": "Meşale", "language": "python"}
    nbformat.write(
        v.new_notebook(cells=cells, metadata={"kernelspec": spec}), tmp_path / "in.ipynb"
    )
    text = module("papermill", tmp_path / "in.ipynb", tmp_path / "out.ipynb", status=1)
    assert "ZeroDivisionError" in text
    assert printed(tmp_path / "out.ipynb") == ""


# --- jupyter_server ---


class Server:
    """A server on loopback, and one session on it as JupyterLab opens it."""

    def __init__(self, folder):
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port = one.getsockname()[1]
        self.token = uuid.uuid4().hex
        self.log = folder / "server.log"
        options = [
            f"--port={self.port}",
            "--ip=127.0.0.1",
            "--no-browser",
            "--allow-root",
            f"--IdentityProvider.token={self.token}",
            f"--ServerApp.root_dir={folder}",
        ]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jupyter_server", *options],
                stdout=log,
                stderr=log,
                cwd=folder,
                start_new_session=True,
            )
        self.answers = {}
        self.socket = None

    def ask(self, method, path, body=None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30 * SLOWNESS) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def wait(self):
        end = time.monotonic() + 30 * SLOWNESS
        while True:
            try:
                return self.ask("GET", "status")
            except OSError:
                assert time.monotonic() < end and self.process.poll() is None, self.log.read_text()
                time.sleep(0.1)

    def open(self, kernel):
        import websocket

        session = uuid.uuid4().hex
        self.socket = websocket.create_connection(
            f"ws://127.0.0.1:{self.port}/api/kernels/{kernel}/channels?session_id={session}",
            header=[f"Authorization: token {self.token}"],
            timeout=20 * SLOWNESS,
        )
        return session

    def send(self, kind, content, channel="shell", metadata=None):
        head = {
            "msg_id": uuid.uuid4().hex,
            "msg_type": kind,
            "session": "s",
            "username": "",
            "version": "5.4",
            "date": "2026-11-23T18:00:32.959930Z",
        }
        message = {
            "header": head,
            "parent_header": {},
            "metadata": metadata or {},
            "content": content,
            "channel": channel,
            "buffers": [],
        }
        self.socket.send(json.dumps(message))
        return head["msg_id"]

    def run(self, code):
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": True,
            "stop_on_error": True,
        }
        meta = {
            "cellId": uuid.uuid4().hex,
            "deletedCells": [],
            "recordTiming": False,
            "trusted": True,
        }
        return self.send("execute_request", content, metadata=meta)

    def finish(self, request):
        """Read until the request has its reply and its idle: the reply, and [type of message]."""
        while True:
            got = self.answers.setdefault(request, [])
            replies = [m["content"] for m in got if m["channel"] in ("shell", "control")]
            idle = any(m["content"].get("execution_state") == "idle" for m in got)
            if replies and idle:
                return replies[0], got
            message = json.loads(self.socket.recv())
            parent = message["parent_header"].get("msg_id")
            self.answers.setdefault(parent, []).append(message)

    def stop(self):
        if self.socket:
            self.socket.close()
        self.process.terminate()
        try:
            self.process.wait(10 * SLOWNESS)
        finally:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def server(tmp_path):
    one = Server(tmp_path)
    yield one
    one.stop()


def stdout(messages):
    return "".join(m["content"]["text"] for m in messages if m["msg_type"] == "stream")


def test_a_session_of_jupyter_server(server):
    """What JupyterLab does with a notebook: open, ask, Run All, interrupt, restart, close."""
    server.wait()
    body = {"path": "a.ipynb", "name": "a", "type": "notebook", "kernel": {"name": "mesale"}}
    kernel = server.ask("POST", "sessions", body)["kernel"]["id"]
    server.open(kernel)
    for channel in ("shell", "control"):
        reply, _ = server.finish(server.send("kernel_info_request", {}, channel))
        assert reply["status"] == "ok" and reply["language_info"]["name"] == "python"
    reply, _ = server.finish(server.send("comm_info_request", {"target_name": "jupyter.widget"}))
    assert reply == {"status": "ok", "comms": {}}
    content = {"output": False, "raw": True, "hist_access_type": "tail", "n": 500}
    assert server.finish(server.send("history_request", content))[0]["status"] == "ok"
    requests = [server.run(f"x = {n}\nprint('cell', x)") for n in range(30)]
    for n, request in enumerate(requests):
        reply, messages = server.finish(request)
        assert reply["execution_count"] == n + 1 and stdout(messages) == f"cell {n}\n"
        assert [m["msg_type"] for m in messages if m["channel"] == "iopub"][:2] == [
            "status",
            "execute_input",
        ]
    requests = [server.run(code) for code in ("1 / 0", "print('no')", "print('no')")]
    names = [server.finish(request)[0].get("ename") for request in requests]
    assert names[0] == "ZeroDivisionError" and stdout(server.answers[requests[1]]) == ""
    request = server.run("import time\nprint('in', flush=True)\ntime.sleep(600)")
    while not stdout(server.answers.get(request, [])):
        message = json.loads(server.socket.recv())
        server.answers.setdefault(message["parent_header"].get("msg_id"), []).append(message)
    server.ask("POST", f"kernels/{kernel}/interrupt")
    assert server.finish(request)[0]["ename"] == "KeyboardInterrupt"
    server.ask("POST", f"kernels/{kernel}/restart")
    server.socket.close()
    server.open(kernel)  # JupyterLab connects anew: what it subscribed to was the old kernel's
    reply, messages = server.finish(server.run("print('x' in globals())"))
    assert stdout(messages) == "False\n" and reply["execution_count"] == 1
    session = server.ask("GET", "sessions")[0]["id"]
    server.ask("DELETE", f"sessions/{session}")
    assert server.ask("GET", "kernels") == []
