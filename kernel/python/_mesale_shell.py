"""IPython's InteractiveShell, thinly subclassed: its outputs go to the kernel."""
import os
import sys
import tempfile
import traceback
import zlib
from subprocess import PIPE, STDOUT, Popen

import _kernel
import _mesale_comm
import _mesale_complete
import _mesale_errors
import _mesale_history
import _mesale_kernel
import _mesale_loop
import _mesale_magics
import _mesale_shortcuts
import _mesale_streams
import _mesale_threads

from IPython.core import page
from IPython.core.autocall import ZMQExitAutocall
from IPython.core.builtin_trap import BuiltinTrap
from IPython.core.compilerop import CachingCompiler
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.display_trap import DisplayTrap
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell, InteractiveShellABC
from IPython.paths import get_ipython_dir
from traitlets import Any, Bool, Instance, Type, observe
from traitlets.config import Config

shell = None
own_modules = ()    # names of those that the kernel imported, and not the user


class _Publisher(DisplayPublisher):
    def publish(self, data, metadata=None, source=None, *, transient=None, update=False, **kwargs):
        self._validate_data(data, metadata)
        self._is_publishing = True
        try:
            _kernel.display(data, metadata or {}, transient or {}, update)
        finally:
            self._is_publishing = False

    def clear_output(self, wait=False):
        _kernel.clear(wait)


class _DisplayHook(DisplayHook):
    bundle = _mesale_threads.per_shell("bundle")
    exec_result = _mesale_threads.per_shell("exec_result")
    _is_active = _mesale_threads.per_shell("showing")
    # Out and _1, _2 … are the main shell's; _ is the latest result of any
    do_full_cache = property(lambda self: bool(self.cache_size) and _mesale_threads.is_main(),
                             lambda self, value: None)

    @property
    def prompt_count(self):
        return self.shell.cell_count

    def quiet(self):
        code = self.shell.cell_code
        # reading the source as tokens takes longer than most results do
        return ";" in code[-200:] and self.semicolon_at_end_of_expression(code)

    def start_displayhook(self):
        self.bundle = None
        self._is_active = True

    def write_output_prompt(self):
        """The number is a part of the result."""

    def write_format_data(self, format_dict, md_dict=None):
        self.bundle = (format_dict, md_dict or {})

    def log_output(self, format_dict):
        # without the bundle, so that no pictures pile up in memory
        text = format_dict.get("text/plain")
        if text is not None:
            if self.shell.logger.log_output:
                self.shell.logger.log_write(text, "output")
            self.shell.history_manager.output_hist_reprs[self.prompt_count] = text

    def finish_displayhook(self):
        if self.bundle:
            _kernel.result(self.prompt_count, *self.bundle)
        self.bundle = None
        self._is_active = False

    def __call__(self, result=None):
        try:
            super().__call__(result)
        finally:
            self._is_active = False


class _DisplayTrap(DisplayTrap):
    """Our hook is in place from the first cell on: IPython's own would take it away at the end of a
    cell, also of a subshell's beside which another one runs."""

    def __enter__(self):
        sys.displayhook = self.hook
        return self

    def __exit__(self, *unused):
        return False


class _BuiltinTrap(BuiltinTrap):
    """The same for get_ipython and other builtins."""

    def __enter__(self):
        if not self._nested_level:
            self._nested_level = 1
            self.activate()
        return self

    def __exit__(self, *unused):
        return False


class _Compiler(CachingCompiler):
    def get_code_name(self, raw_code, transformed_code, number):
        name = _kernel.cell_name(raw_code)
        if name is not None:
            return name
        # any name that differs with the code will do; IPython's own needs OpenSSL, 3.5 MiB of it
        checksum = zlib.crc32(transformed_code.encode("utf-8", "replace"))
        return f"<ipython-input-{number}-{checksum:08x}>"


class ZMQInteractiveShell(InteractiveShell):
    """The shell of a notebook kernel. Libraries know such a shell by this class name."""

    compiler_class = Type(_Compiler)
    displayhook_class = Type(_DisplayHook)
    display_pub_class = Type(_Publisher)
    inspector_class = Type(_mesale_complete.Inspector)
    input_transformer_manager = Instance(_mesale_shortcuts.Transformers, ())
    exiter = Instance(ZMQExitAutocall)
    kernel = Any()
    keepkernel_on_exit = None
    _system = None
    _has_terminals = True
    threads_follow_cells = Bool(False, config=True, help="""Output of a thread belongs to the cell that
        started the thread, also when later cells run. Otherwise it belongs to the latest cell.""")

    execution_count = _mesale_threads.per_shell("execution_count")
    cell_code = _mesale_threads.per_shell("cell_code")
    cell_count = _mesale_threads.per_shell("cell_count")
    display_failed = _mesale_threads.per_shell("display_failed")
    history_manager = _mesale_threads.per_shell("history_manager")
    payload_manager = _mesale_threads.per_shell("payload_manager")

    @observe("threads_follow_cells")
    def _follow_cells(self, change):
        _mesale_threads.follow_cells(change.new)

    def _exiter_default(self):
        return ZMQExitAutocall(self)

    def init_display_formatter(self):
        self.display_formatter = _mesale_shortcuts.DisplayFormatter(parent=self)
        self.configurables.append(self.display_formatter)

    def should_run_async(self, raw_cell, *, transformed_cell=None, preprocessing_exc_tuple=None):
        if _mesale_shortcuts.cannot_await(transformed_cell):
            return False
        return super().should_run_async(raw_cell, transformed_cell=transformed_cell,
                                        preprocessing_exc_tuple=preprocessing_exc_tuple)

    def init_environment(self):
        # programs started from a cell: colours, but no pager that waits for keys
        os.environ.update(TERM="xterm-color", CLICOLOR="1", FORCE_COLOR="1", CLICOLOR_FORCE="1",
                          PAGER="cat", GIT_PAGER="cat")

    def init_history(self):
        self.history_manager = _mesale_history.History(shell=self, parent=self)
        self.configurables.append(self.history_manager)

    def init_virtualenv(self):
        """The interpreter is the environment's own: nothing has to be added."""

    def init_builtins(self):
        super().init_builtins()
        self.builtin_trap = _BuiltinTrap(shell=self)

    def init_displayhook(self):
        super().init_displayhook()
        self.display_trap = _DisplayTrap(hook=self.displayhook)

    def init_hooks(self):
        super().init_hooks()
        self.set_hook("show_in_pager", page.as_hook(self._page), 99)
        try:
            for end in os.openpty():
                os.close(end)
        except OSError:  # as in a bare chroot: !cmd does without
            self._has_terminals = False

    @property
    def system(self):
        """What !cmd calls; may be set."""
        if self._system is not None:
            return self._system
        if self._has_terminals:
            return self.system_piped
        return self.system_raw if _mesale_threads.is_main() else self._system_read

    @system.setter
    def system(self, function):
        self._system = function

    def _system_read(self, cmd):
        """What a subshell's command prints is read here: captured, it would be the main shell's."""
        with Popen(self.var_expand(cmd, depth=1), shell=True, stdout=PIPE, stderr=STDOUT,
                   text=True, errors="replace") as child:
            for line in child.stdout:
                sys.stdout.write(line)
        self.user_ns["_exit_code"] = child.returncode

    def _page(self, strg, start=0, screen_lines=0, pager_cmd=None):
        data = strg if isinstance(strg, dict) else {"text/plain": strg}
        self._add_payload("page", data=data, start=max(0, start))

    def enable_gui(self, gui=None):
        if gui not in (None, "inline", "asyncio"):
            raise UsageError(f"the event loop {gui!r} is not supported in this kernel")

    def ask_exit(self):
        self.exit_now = not self.keepkernel_on_exit
        self._add_payload("ask_exit", keepkernel=bool(self.keepkernel_on_exit))

    def set_next_input(self, text, replace=False):
        self._add_payload("set_next_input", text=text, replace=replace)

    def _add_payload(self, source, **members):
        self.payload_manager.write_payload({"source": source, **members})

    def get_parent(self):
        return self.kernel.get_parent()

    def set_parent(self, parent):
        self.kernel.set_parent(None, parent)

    @property
    def parent_header(self):
        return self.kernel.get_parent()

    def run_cell(self, raw_cell, store_history=False, silent=False, shell_futures=True,
                 cell_id=None, cell_meta=None):
        """As IPython's, without its copy of all text in the history: a notebook keeps that itself."""
        result = None
        try:
            result = self._run_cell(raw_cell, store_history, silent, shell_futures, cell_id,
                                    cell_meta)
        finally:
            self.events.trigger("post_execute")
            if not silent:
                self.events.trigger("post_run_cell", result)
        return result

    def showtraceback(self, exc_tuple=None, *args, **kwargs):
        try:
            etype, value, tb = self._get_exc_info(exc_tuple)
        except ValueError:
            return super().showtraceback(exc_tuple, *args, **kwargs)
        if isinstance(value, SystemExit) and _kernel.is_child():
            _leave_child(value)
        if isinstance(value, _mesale_loop.asyncio.CancelledError) and _mesale_loop.here().was_cancelled:
            value = KeyboardInterrupt().with_traceback(tb)
            etype = KeyboardInterrupt
            exc_tuple = (etype, value, tb)
        with _mesale_errors.Prepared(value, tb) as prepared:
            if prepared.is_group:
                lines = _mesale_errors.plain_lines(self, etype, value, tb)
                return self._showtraceback(etype, value, lines)
            return super().showtraceback(exc_tuple, *args, **kwargs)

    def _format_exception_for_storage(self, exception, *args, **kwargs):
        # what was shown, not formatted a second time
        name, text, lines = _kernel.last_error() or (type(exception).__name__, "", [])
        return {"ename": name, "evalue": text, "traceback": lines}

    def _showtraceback(self, etype, evalue, stb):
        if self.displayhook.is_active:
            self.display_failed = True
        _kernel.error(etype.__name__, _mesale_errors.text_of(evalue), _mesale_errors.with_fold(stb))


InteractiveShellABC.register(ZMQInteractiveShell)


class _Cell:
    """One cell from its start to the call of _kernel.finish."""

    stops_loop = False      # for a front end without a loop of its own

    def __init__(self, code, silent, store_history, cell_id, metadata, expressions):
        self.code, self.silent, self.store_history = code, silent, store_history
        self.cell_id, self.metadata, self.expressions = cell_id, metadata, expressions
        self.result = self.failure = None
        self.ended = False

    def start(self):
        _kernel.forget_error()
        shell.display_failed = False
        _mesale_streams.restore()
        shell.cell_count = shell.execution_count
        problem = None
        try:
            transformed = shell.transform_cell(self.code)
        except Exception:
            transformed, problem = self.code, sys.exc_info()
        shell.cell_code = transformed
        options = {"transformed_cell": transformed, "preprocessing_exc_tuple": problem}
        coroutine = shell.run_cell_async(
            self.code, store_history=bool(self.store_history), silent=bool(self.silent),
            cell_id=self.cell_id, cell_meta=self.metadata, **options)
        if shell.should_run_async(self.code, **options):
            _mesale_loop.here().run_task(self._awaited(coroutine), self._task_ended)
        else:
            self._run(coroutine)
            self._end()

    # An interrupt is raised only below _run, _awaited and _events (_mesale_loop.GUARDS), which
    # catch it, and only while the phase is RUNNING: nothing else of a cell's course can be torn.

    def _begin(self):
        interrupted = _kernel.phase() == _kernel.INTERRUPTED
        _kernel.set_phase(_kernel.RUNNING)
        if interrupted:
            raise KeyboardInterrupt

    def _run(self, coroutine):
        """A cell without await is a coroutine that never waits."""
        try:
            self._begin()
            coroutine.send(None)
        except StopIteration as stop:
            _kernel.set_phase(_kernel.ENDING)
            self.result = stop.value
        except BaseException as error:
            _kernel.set_phase(_kernel.ENDING)
            self._failed(error)
        else:
            _kernel.set_phase(_kernel.ENDING)
            self._failed(RuntimeError("the cell awaited where it cannot"))
        coroutine.close()

    async def _awaited(self, coroutine):
        try:
            self._begin()
            self.result = await coroutine
            _kernel.set_phase(_kernel.ENDING)
        except BaseException as error:
            _kernel.set_phase(_kernel.ENDING)
            coroutine.close()
            self._failed(error)

    def _events(self):
        try:
            _kernel.set_phase(_kernel.RUNNING)
            shell.events.trigger("post_execute")
            if not self.silent:
                shell.events.trigger("post_run_cell", self.result)
            _kernel.set_phase(_kernel.ENDING)
        except BaseException as error:
            _kernel.set_phase(_kernel.ENDING)
            self._failed(error)

    def _task_ended(self, task):
        if task.cancelled():
            self._failed(KeyboardInterrupt())
        elif task.exception() is not None and self.result is None:
            self._failed(task.exception())
        self._end()

    def _failed(self, error):
        """Not in the user's own code: an interrupt between its parts, a fault of an extension."""
        self.failure = error
        shell.showtraceback((type(error), error, error.__traceback__))

    def _exception(self):
        if self.failure is not None or self.result is None:
            return self.failure
        return self.result.error_before_exec or self.result.error_in_exec

    def _error(self):
        """The exception as (name, text, traceback), or three times None."""
        error = self._exception()
        if error is None and not shell.display_failed:
            shown = _kernel.last_error()
            # an interrupt during a callback is caught and shown by IPython itself: the reply must not say ok
            return shown if shown is not None and shown[0] == "KeyboardInterrupt" else (None, None, [])
        if _kernel.last_error() is None:
            name, text = type(error).__name__, _mesale_errors.text_of(error)
            if isinstance(error, UsageError):
                return name, text, []       # IPython has printed it
            if name == "CancelledError" and _mesale_loop.here().was_cancelled:
                name = "KeyboardInterrupt"  # a second one came while the first was being shown
            _kernel.error(name, text, [f"{name}: {text}"])
        return _kernel.last_error()

    def _end(self):
        self._events()
        if _kernel.is_child():
            _leave_child(self._exception())
        name, text, lines = self._error()
        expressions = {}
        if name is None and self.expressions:
            expressions = shell.user_expressions(self.expressions)
        payload = shell.payload_manager.read_payload()
        shell.payload_manager.clear_payload()
        self.ended = True
        _kernel.finish(shell.cell_count, name, text, lines, expressions, payload,
                       bool(shell.exit_now))
        if self.stops_loop:
            _mesale_loop.main.loop.stop()


def _leave_child(error):
    """A process that the cell forked ends here, or it would be a second kernel."""
    status = 1 if error else 0
    if isinstance(error, SystemExit):
        status = error.code if isinstance(error.code, int) else int(error.code is not None)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status & 255)


_mesale_loop.GUARDS = {_Cell._run.__code__, _Cell._awaited.__code__, _Cell._events.__code__,
                       _mesale_comm.message.__code__}


# --- called by the kernel (shell.c) ---------------------------------------------------------------

def _user_config():
    """The user's IPython configuration, as ipykernel reads it."""
    config = Config()
    folder = os.path.join(get_ipython_dir(), "profile_default")
    for name in ("ipython_config.py", "ipython_kernel_config.py"):
        if os.path.exists(os.path.join(folder, name)):
            from traitlets.config.loader import PyFileConfigLoader
            try:
                config.merge(PyFileConfigLoader(name, path=folder).load_config())
            except Exception:
                traceback.print_exc()
    return config


def _choose_ipython_folder():
    """IPython wants a folder of its own, also where none can be made (a full disk, a closed home)."""
    try:
        get_ipython_dir()
    except OSError:
        os.environ["IPYTHONDIR"] = tempfile.mkdtemp()


def start():
    global shell, own_modules
    _choose_ipython_folder()
    config = _user_config()
    _mesale_history.History.in_file = _mesale_history.wants_file(config)
    config.HistoryManager.enabled = False
    if "use_jedi" not in config.IPCompleter:
        config.IPCompleter.use_jedi = False
    config.IPKernelApp.name = "mesale"      # by this section libraries know that they are in a kernel
    if "" not in sys.path:
        sys.path.insert(0, "")
    _mesale_streams.start()
    shell = ZMQInteractiveShell.instance(config=config)
    shell.kernel = _mesale_kernel.Kernel(shell)
    if "JPY_SESSION_NAME" in os.environ:
        shell.user_ns["__session__"] = os.environ["JPY_SESSION_NAME"]
    _mesale_comm.start(shell.kernel)
    _mesale_magics.register(shell)
    _mesale_errors.watch_threads(shell)
    _mesale_complete.prepare(shell)
    _mesale_loop.start()
    own_modules = frozenset(sys.modules)
    _run_startup_files()


def _run_startup_files():
    """What the user wants in every session: PROFILE/startup/*.py and *.ipy, as IPython runs them."""
    folder = os.path.join(shell.profile_dir.location, "startup")
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    for name in names:
        path = os.path.join(folder, name)
        if name.endswith(".py"):
            shell.safe_execfile(path, shell.user_ns)
        elif name.endswith(".ipy"):
            shell.safe_execfile_ipy(path)


def stop():
    _mesale_loop.main.close()


def enter_thread():
    _mesale_loop.enter_thread()
    _mesale_threads.enter(shell)


def leave_thread():
    _mesale_loop.leave_thread()
    _mesale_threads.leave()


def run_loop(wakeup_fd):
    _mesale_loop.here().run(wakeup_fd)


def stop_loop():
    _mesale_loop.here().stop()


def next_count():
    return shell.execution_count


def start_cell(*args):
    _Cell(*args).start()


def run_cell(*args):
    cell = _Cell(*args)
    cell.stops_loop = True
    _mesale_loop.main.run_blocking(cell.start, lambda: cell.ended)


def complete(code, cursor):
    return _mesale_complete.complete(shell, code, cursor)


def inspect(code, cursor, detail_level, omit_sections):
    return _mesale_complete.inspect(shell, code, cursor, detail_level, omit_sections)


def is_complete(code):
    status, indent = shell.input_transformer_manager.check_complete(code)
    reply = {"status": status}
    if status == "incomplete":
        reply["indent"] = " " * (indent or 0)
    return reply


def history(content):
    return _mesale_history.answer(shell.history_manager, content)


comm_message = _mesale_comm.message
comm_info = _mesale_comm.info
