"""The asyncio loop that the main thread lives in, and what SIGINT does to it.

Cells run inside the running loop, so get_running_loop() and create_task() work in a plain cell, and
tasks advance between cells. They run in the thread's own context, not in a copy that a callback of
the loop would get: what decimal.getcontext(), numpy.set_printoptions() or a user's ContextVar were
set to is still so in the next cell.
"""
import builtins
import importlib.util
import os
import signal
import sys
import threading
import types

import _kernel


class _LaterModule(types.ModuleType):
    """A module whose code runs when something is looked up in it. (importlib.util.LazyLoader loads
    its module as soon as it is imported a second time.)"""

    def __getattr__(self, name):
        with _later_lock:
            if type(self) is _LaterModule and not self.__dict__.get("__loading__"):
                self.__loading__ = True
                try:
                    self.__spec__.loader.exec_module(self)
                    self.__class__ = types.ModuleType
                finally:
                    del self.__loading__
        try:
            return self.__dict__[name]
        except KeyError:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}") from None

    def __dir__(self):
        self.__getattr__("__doc__")
        return super().__dir__()


_later_lock = threading.RLock()


def _import_later(spec):
    """Puts a module in sys.modules that is loaded when it is first used."""
    module = _LaterModule(spec.name)
    module.__spec__, module.__loader__, module.__file__ = spec, spec.loader, spec.origin
    module.__package__ = spec.parent
    sys.modules[spec.name] = module


def _import_asyncio():
    """asyncio without OpenSSL: 4 MiB and some ms that most notebooks never use."""
    if "asyncio" not in sys.modules and "ssl" not in sys.modules:
        _import_later(importlib.util.find_spec("ssl"))
        folder = importlib.util.find_spec("asyncio").submodule_search_locations[0]
        file = os.path.join(folder, "sslproto.py")
        _import_later(importlib.util.spec_from_file_location("asyncio.sslproto", file))
    import asyncio
    asyncio.sslproto = sys.modules["asyncio.sslproto"]
    return asyncio


asyncio = _import_asyncio()


class _ThreadContext:
    """In the place of a contextvars.Context: runs callbacks without entering any."""

    @staticmethod
    def run(callback, *args):
        return callback(*args)


CONTEXT = _ThreadContext()
GUARDS = set()          # code of the functions that run a cell's code and catch what it raises
_builtins = dict(vars(builtins))
is_held = None          # while there is a debugger: whether it holds the main thread; lets it go


class Loop:
    """The loop of one shell, used by its thread alone."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.task = None            # of the cell that awaits
        self.was_cancelled = False  # it was cancelled by an interrupt
        self._stopping = False
        asyncio.set_event_loop(self.loop)

    def _serve(self):
        if _kernel.serve():
            self.serve_soon()

    def serve_soon(self):
        self.loop.call_soon(self._serve, context=CONTEXT)

    def _run_until(self, condition):
        """A KeyboardInterrupt or SystemExit that a task raises leaves run_forever(); the other tasks
        go on. Anything else that leaves it broke the loop's own code: somebody changed the builtins."""
        while not condition():
            try:
                self.loop.run_forever()
            except (KeyboardInterrupt, SystemExit):
                pass
            except Exception:
                builtins.__dict__.update(_builtins)
                self.serve_soon()

    def run(self, wakeup_fd):
        def woken():
            try:
                os.read(wakeup_fd, 8)
            except BlockingIOError:
                pass
            self._serve()

        self.loop.add_reader(wakeup_fd, woken)
        self.loop._selector.get_key(wakeup_fd).data[0]._context = CONTEXT
        self.serve_soon()
        self._run_until(lambda: self._stopping)
        self.loop.remove_reader(wakeup_fd)

    def stop(self):
        self._stopping = True
        self.loop.stop()

    def run_blocking(self, start, is_done):
        """Runs start() inside the loop, and the loop until is_done()."""
        self.loop.call_soon(start, context=CONTEXT)
        self._run_until(is_done)

    def run_task(self, coroutine, done):
        """Runs a cell that awaits; done(task) is called at its end."""
        def ended(task):
            self.task = None
            done(task)
            self.serve_soon()

        self.was_cancelled = False
        self.task = self.loop.create_task(coroutine, context=CONTEXT)
        self.task.add_done_callback(ended, context=CONTEXT)

    def cancel(self):
        """The cell's task is interrupted, and the loop comes out of its wait to see it."""
        self.was_cancelled = True
        self.task.cancel()
        self.loop.call_soon_threadsafe(_wake)

    def close(self):
        for task in asyncio.all_tasks(self.loop):
            task._log_destroy_pending = False
        self.loop.close()


main = Loop()
_threads = threading.local()


def here():
    """The loop of the calling thread's shell; of the main one in a thread that is no shell's."""
    return getattr(_threads, "loop", main)


def enter_thread():
    _threads.loop = Loop()


def leave_thread():
    _threads.loop.close()
    del _threads.loop
    # who asked for the current thread was given a stand-in, which would seem to live for ever
    threading._active.pop(threading.get_ident(), None)


def _wake():
    """What a loop does that only has to wake up."""


def _is_inside(task, frame):
    """Whether `frame` runs code of the task, and not code of the loop that the task's last step has
    called: an exception there would leave the task waiting for ever."""
    coroutine = task.get_coro()
    own = getattr(coroutine, "cr_frame", None) or getattr(coroutine, "gi_frame", None)
    while frame is not None and frame is not own:
        frame = frame.f_back
    return frame is not None


def _is_guarded(frame):
    """Whether one of the GUARDS called what led to `frame`."""
    frame = frame and frame.f_back
    while frame is not None and frame.f_code not in GUARDS:
        frame = frame.f_back
    return frame is not None


def _interrupt_task(frame):
    """The cell awaits: cancel it, so that its `finally` runs. True if code of a task is running,
    which is to be interrupted as well."""
    current = asyncio.current_task(main.loop)
    inside = current is not None and _is_inside(current, frame)
    if current is not main.task or not inside:
        main.cancel()
    return inside


def _interrupt(signum, frame):
    """The handler of SIGINT, on the main thread. Between cells there is nothing to interrupt."""
    if is_held is not None and is_held(frame):
        return      # raised again when it goes on
    phase = _kernel.phase()
    if phase == _kernel.EXPECTED:
        _kernel.set_phase(_kernel.INTERRUPTED)
    if phase != _kernel.RUNNING or (main.task is not None and not _interrupt_task(frame)):
        return
    if main.task is None and not _is_guarded(frame) or frame.f_code in GUARDS:
        # between the beginning of the phase and the cell's own code: a few steps on, try again
        signal.raise_signal(signum)
        return
    raise KeyboardInterrupt


def _end_child():
    """A forked child has no loop: its parent's is not its own."""
    def leave(timeout=None):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)

    here().loop._selector.select = leave


def start():
    signal.signal(signal.SIGINT, _interrupt)
    os.register_at_fork(after_in_child=_end_child)

