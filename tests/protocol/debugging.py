"""A front end's debugger, as JupyterLab and VS Code have one, over debug_request."""

# What JupyterLab says when its debugger is switched on.
JUPYTERLAB = {
    "clientID": "jupyterlab",
    "clientName": "JupyterLab",
    "adapterID": "mesale",
    "pathFormat": "path",
    "linesStartAt1": True,
    "columnsStartAt1": True,
    "supportsVariableType": True,
    "supportsVariablePaging": True,
    "supportsRunInTerminalRequest": True,
    "locale": "en",
}
# And VS Code.
VSCODE = {
    **JUPYTERLAB,
    "clientID": "vscode",
    "clientName": "Visual Studio Code",
    "adapterID": "Python Kernel Debug Adapter",
    "locale": "en-us",
    "supportsProgressReporting": True,
    "supportsInvalidatedEvent": True,
    "supportsMemoryReferences": True,
}
# The names that tutorials do not define: a kernel shows what the user has written.
FUNCTION = "def double(a):\n    b = a * 2\n    return b\n"


class Debugger:
    """A front end's debugger: requests in order, events as they come."""

    def __init__(self, client):
        self.client = client
        self.seq = 0
        self.seen = 0
        client.wait_for(lambda: True, 1, "nothing")

    def send(self, command, arguments):
        self.seq += 1
        content = {"type": "request", "seq": self.seq, "command": command, "arguments": arguments}
        return self.client.send("debug_request", content, "control")

    def ask(self, command, arguments=None, timeout=10):
        """The response, whether it tells of success or not."""
        request = self.send(command, arguments or {})
        seq = self.seq
        response = self.client.wait(request, timeout).reply
        assert response["type"] == "response" and response["command"] == command, response
        assert response["request_seq"] == seq, response
        return response

    def do(self, command, timeout=10, **arguments):
        """The body of a response that must tell of success."""
        response = self.ask(command, arguments, timeout)
        assert response["success"] is True, response
        return response["body"]

    def fail(self, command, **arguments):
        """The message of a response that must not."""
        response = self.ask(command, arguments)
        assert response["success"] is False, response
        return response["message"]

    def events(self, name):
        filed = sum(self.client.filed.values(), [])
        found = [m.content for m in filed if m.type == "debug_event"]
        assert all(event["type"] == "event" for event in found)
        return sorted((e for e in found if e["event"] == name), key=lambda e: e["seq"])

    def start(self, who=None, **attach):
        """As JupyterLab: once it is started, breakpoints may be set."""
        body = self.do("initialize", timeout=20, **(who or JUPYTERLAB))
        self.do("attach", **attach)
        return body

    def stopped(self):
        """Wait for the next stop; its body."""
        self.client.wait_for(
            lambda: len(self.events("stopped")) > self.seen, 10, "stop of the cell"
        )
        self.seen += 1
        return self.events("stopped")[self.seen - 1]["body"]

    def dump(self, code):
        return self.do("dumpCell", code=code)["sourcePath"]

    def break_at(self, code, *lines):
        """Breakpoints in a cell that is not run yet; the path of its file."""
        path = self.dump(code)
        body = self.do(
            "setBreakpoints",
            source={"path": path},
            breakpoints=[{"line": line} for line in lines],
            sourceModified=False,
        )
        assert [b["line"] for b in body["breakpoints"]] == list(lines), body
        assert all(b["verified"] for b in body["breakpoints"]), body
        return path

    def clear(self, path):
        self.do("setBreakpoints", source={"path": path}, breakpoints=[], sourceModified=False)

    def run_to_stop(self, code):
        """Send a cell that stops; its request and where it stands."""
        request = self.client.start(code)
        return request, self.stopped()["threadId"]

    def stack(self, thread):
        return self.do("stackTrace", threadId=thread)["stackFrames"]

    def where(self, thread):
        """The stack as function names and lines."""
        return [(frame["name"], frame["line"]) for frame in self.stack(thread)]

    def step(self, how, thread):
        """next, stepIn or stepOut, and where that leads."""
        self.do(how, threadId=thread)
        self.stopped()
        return self.where(thread)[0]

    def scope(self, frame, name):
        """The variables of one scope of a frame: name → variable."""
        scopes = self.do("scopes", frameId=frame)["scopes"]
        reference = next(s["variablesReference"] for s in scopes if s["name"] == name)
        return self.children(reference)

    def children(self, reference):
        found = self.do("variables", variablesReference=reference)["variables"]
        return {variable["name"]: variable for variable in found}

    def globals(self):
        return {v["name"]: v for v in self.do("inspectVariables")["variables"]}

    def go_on(self, request, thread):
        self.do("continue", threadId=thread)
        return self.client.wait(request).ok()
