"""JupyterLab as a person uses it: a server, and its page in words of cells, menus and outputs."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid

import nbformat

SETTINGS = {
    # all cells are in the page, also those that are scrolled out of it
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}


class Server:
    """jupyter lab on a port of loopback. `root` is the folder that it shows."""

    def __init__(self, root, config, environment):
        self.root = root
        self.token = uuid.uuid4().hex
        for name, value in SETTINGS.items():
            path = config / "lab/user-settings/@jupyterlab" / f"{name}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(value))
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/"
        options = [f"--port={port}", "--ip=127.0.0.1", "--no-browser", "--allow-root", f"--ServerApp.root_dir={root}",
                   f"--IdentityProvider.token={self.token}", "--LabApp.extension_manager=readonly",
                   "--LabApp.expose_app_in_browser=True"]
        self.log = open(config / "server.log", "wb")
        self.process = subprocess.Popen([sys.executable, "-m", "jupyterlab", *options], env=environment,
                                        stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True)
        self.wait()

    def wait(self):
        for _ in range(3000):  # five minutes: a busy machine needs one
            assert self.process.poll() is None, open(self.log.name).read()
            try:
                return self.ask("api/status")
            except OSError:
                time.sleep(0.1)
        raise AssertionError(open(self.log.name).read())

    def ask(self, path, method="GET"):
        """The answer of the server's REST interface."""
        request = urllib.request.Request(self.url + path, method=method)
        request.add_header("Authorization", f"token {self.token}")
        with urllib.request.urlopen(request, timeout=20) as reply:
            return json.loads(reply.read() or "null")

    def shut_down_sessions(self):
        for session in self.ask("api/sessions"):
            try:
                self.ask(f"api/sessions/{session['id']}", "DELETE")
            except urllib.error.HTTPError:  # it has just gone by itself
                pass

    def new_notebook(self, name, *sources):
        """Writes a notebook of code cells for the kernel; its name."""
        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        spec = {"name": "mesale", "display_name": "Meşale", "language": "python"}
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": spec}), self.root / name)
        return name

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.log.close()


class Lab:
    """The page. Cells are counted from 0, code cells and others alike unless it says otherwise."""

    def __init__(self, page, server):
        self.page = page
        self.server = server

    def open(self, name):
        """Opens the notebook and waits until its kernel is idle."""
        self.page.goto(f"{self.server.url}lab/tree/{name}?reset&token={self.server.token}")
        self.page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=60000)
        self.wait_idle()
        return self

    def open_new(self, name, *sources):
        return self.open(self.server.new_notebook(name, *sources))

    def wait_idle(self):
        self.page.locator(".jp-Toolbar-kernelName", has_text="Meşale").wait_for(timeout=60000)
        self.page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").wait_for(timeout=60000)

    def menu(self, *names):
        """Chooses an entry of the menu bar, by the names on the way to it."""
        bar, *rest = names
        self.page.locator(".lm-MenuBar-item", has_text=re.compile(f"^{bar}$")).click()
        for name in rest:
            self.page.locator(".lm-Menu-item", has=self.page.locator(
                ".lm-Menu-itemLabel", has_text=re.compile(f"^{name}"))).last.click()

    def run_all(self, timeout=60):
        """Runs all cells and waits until the last one has its number."""
        self.menu("Run", "Run All Cells")
        return self.wait_numbers(timeout)

    def wait_numbers(self, timeout=60):
        """Waits until every code cell that is not empty has run; their numbers."""
        end = time.monotonic() + timeout
        while True:
            prompts = self.page.locator(".jp-CodeCell .jp-InputPrompt").all_inner_texts()
            if all(re.fullmatch(r"\[\d+\]:", text.strip()) for text in prompts):
                return [int(text.strip()[1:-2]) for text in prompts]
            assert time.monotonic() < end, prompts
            self.page.wait_for_timeout(50)

    def cell(self, number):
        return self.page.locator(".jp-Notebook .jp-Cell").nth(number)

    def edit(self, number):
        """Puts the cursor at the end of a cell's text."""
        self.cell(number).locator(".cm-content").click()
        self.page.keyboard.press("Control+End")

    def run_cell(self, number):
        self.edit(number)
        self.page.keyboard.press("Control+Enter")

    def output(self, number):
        """The text below a cell, once there is some."""
        area = self.cell(number).locator(".jp-OutputArea-output")
        area.first.wait_for()
        return "".join(area.all_inner_texts())

    def shown(self):
        """What stands below each code cell: a list of (MIME type, text) for each."""
        return self.page.eval_on_selector_all(".jp-Notebook .jp-CodeCell", """cells => cells.map(cell =>
            [...cell.querySelectorAll('.jp-OutputArea-output')].map(output =>
                [output.getAttribute('data-mime-type'), output.textContent]))""")

    def save(self):
        """Saves the notebook with Ctrl-S and waits until the tab says so."""
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("Control+s")
        self.page.locator(".lm-DockPanel-tabBar .lm-mod-current:not(.jp-mod-dirty)").wait_for()

    def theme(self, name):
        """Switches to the JupyterLab Light or JupyterLab Dark theme."""
        self.page.evaluate("name => jupyterapp.commands.execute('apputils:change-theme', {theme: name})", name)
        self.page.wait_for_function("name => document.body.dataset.jpThemeName === name", arg=name)
        self.page.wait_for_timeout(300)
