"""sys.stdout and sys.stderr, input() and getpass() of a notebook."""
import builtins
import io
import sys

import _kernel


class _Bytes(io.BufferedIOBase):
    """sys.stdout.buffer: bytes take their place among the text."""

    def __init__(self, fd, stream):
        self._fd = fd
        self._stream = stream
        self.raw = self
        self.mode = "wb"
        self.name = f"<{'stderr' if fd == 2 else 'stdout'}>"

    def writable(self):
        return True

    def write(self, data):
        return _kernel.write_bytes(self._fd, data)

    def fileno(self):
        return self._fd

    def isatty(self):
        return False

    def flush(self):
        self._stream.flush()

    def close(self):
        """Does nothing: the notebook goes on."""


def _ask(prompt, password):
    from IPython.core.error import StdinNotImplementedError
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        answer = _kernel.input(prompt, password)
    except RuntimeError as error:
        raise StdinNotImplementedError(str(error)) from None
    if answer == "\x04":
        raise EOFError
    return answer


def _input(prompt="", /):
    """Ask the user for a line of text."""
    return _ask(str(prompt), False)


def _getpass(prompt="Password: ", stream=None):
    """Ask the user for a line of text that is not shown."""
    return _ask(str(prompt), True)


stdout, stderr = _kernel.Stream(1), _kernel.Stream(2)


def restore():
    """Before each cell: a stream that the user has replaced stays so, one that is gone comes back."""
    if getattr(sys, "stdout", None) is None:
        sys.stdout = stdout
    if getattr(sys, "stderr", None) is None:
        sys.stderr = stderr


def start():
    stdout.buffer, stderr.buffer = _Bytes(1, stdout), _Bytes(2, stderr)
    sys.stdout, sys.stderr = stdout, stderr
    io.TextIOBase.register(_kernel.Stream)
    builtins.input = _input
    import getpass
    getpass.getpass = _getpass
