"""What libraries find at get_ipython().kernel."""
import sys
import threading
import uuid

import _kernel


class Session:
    """Sends messages on iopub in the name of the request being served."""

    def __init__(self, kernel):
        self._kernel = kernel

    @property
    def session(self):
        """The name of the session that the served request came from."""
        return self._kernel.get_parent().get("header", {}).get("session", "")

    @property
    def username(self):
        return self._kernel.get_parent().get("header", {}).get("username", "")

    def msg(self, msg_type, content=None, parent=None, header=None, metadata=None):
        """A message that send() takes."""
        header = header or {"msg_id": uuid.uuid4().hex, "msg_type": msg_type,
                            "session": self.session, "username": self.username}
        return {"header": header, "msg_id": header["msg_id"], "msg_type": msg_type,
                "parent_header": (parent or {}).get("header", parent or {}),
                "content": content or {}, "metadata": metadata or {}}

    def send(self, stream, msg_or_type, content=None, parent=None, ident=None, buffers=None,
             track=False, header=None, metadata=None):
        message = {} if isinstance(msg_or_type, str) else msg_or_type
        kind = message["header"]["msg_type"] if message else msg_or_type
        content = message.get("content", {}) if content is None else content
        metadata = message.get("metadata") if metadata is None else metadata
        self._kernel.send_response(stream, kind, content, metadata=metadata, buffers=buffers)


class Kernel:
    """A small stand-in for the kernel object of ipykernel, as far as libraries use one."""

    def __init__(self, shell):
        self.shell = shell
        self.session = Session(self)
        self.iopub_socket = self.stdin_socket = self.shell_stream = None
        self.control_thread = threading.main_thread()
        self.comm_manager = None
        self.language_info = {
            "name": "python", "version": sys.version.split()[0], "mimetype": "text/x-python",
            "file_extension": ".py", "pygments_lexer": "ipython3", "nbconvert_exporter": "python",
            "codemirror_mode": {"name": "ipython", "version": 3}}

    def get_parent(self, channel=None):
        """The request that outputs of the calling thread belong to."""
        return _kernel.parent()

    def set_parent(self, ident, parent, channel="shell"):
        """Outputs of the calling thread belong to that request: in a thread of the user's from now
        on, in a shell's until the next request. An empty one ends that."""
        _kernel.follow(parent or {})

    @property
    def _parent_header(self):
        return self.get_parent()

    def send_response(self, stream, msg_or_type, content=None, ident=None, buffers=None,
                      track=False, header=None, metadata=None):
        content = content or {}
        if msg_or_type == "stream":
            file = sys.stderr if content.get("name") == "stderr" else sys.stdout
            file.write(content.get("text", ""))
        elif msg_or_type == "clear_output":
            _kernel.clear(bool(content.get("wait")))
        elif msg_or_type in ("display_data", "update_display_data"):
            _kernel.display(content.get("data", {}), content.get("metadata", {}),
                            content.get("transient", {}), msg_or_type == "update_display_data")
        elif msg_or_type.startswith("comm_"):
            _kernel.comm(msg_or_type, content, metadata or {}, buffers or ())
        else:
            raise ValueError(f"messages of type {msg_or_type!r} cannot be sent from Python")

    def do_shutdown(self, restart):
        self.shell.ask_exit()
