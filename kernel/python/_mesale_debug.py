"""The Python side of the debugger (debug.c): debugpy in this process, and what can be seen of the
variables without it. debugpy is imported when debugging starts, not before."""
import collections
import itertools
import keyword
import os
import signal
import sys
import threading
import time

import _kernel
import _mesale_loop
import _mesale_shell

_SILENT = "PYDEVD_DISABLE_FILE_VALIDATION"  # no warning of frozen modules, of which cells are none
_LIMIT = 500        # so many children of one variable are shown
_HIDDEN = {"stack_data", "executing", "asttokens", "pure_eval", "pygments", "jedi", "parso", "ast",
           "tokenize", "matplotlib_inline"}

_settrace = sys.settrace    # debugpy's warns of its use
_pydevd = None              # while debugging
_held = False               # the main thread stands at a breakpoint
_interrupted = False        # and was interrupted there
_hook = None                # sys.breakpointhook without the debugger
_transform = None           # what IPython does with empty lines at the beginning of a cell
_references = {}            # number → object with children
_numbers = itertools.count(1)
_shown = None


# --- debugpy --------------------------------------------------------------------------------------

def prepare(arguments):
    """Imports debugpy, which puts a hook of its own in the place of breakpoint()'s."""
    global _hook
    if _hook is None:
        _hook = sys.breakpointhook
    before = os.environ.get(_SILENT)
    os.environ[_SILENT] = "1"
    try:
        import debugpy.server.api
    except ImportError:
        raise RuntimeError("debugpy, which debugs the cells, is missing. Install it with: "
                           f"{sys.executable} -m pip install debugpy") from None
    finally:
        sys.breakpointhook = _hook
        if before is None:
            del os.environ[_SILENT]
        else:
            os.environ[_SILENT] = before
    return {}


def connect(arguments):
    """debugpy connects to the kernel, and all threads are traced from now on."""
    global _pydevd
    import debugpy
    import pydevd
    if pydevd.get_global_debugger() is not None:
        raise RuntimeError("another debugger is attached to the kernel")
    own = threading.current_thread()
    own.pydev_do_not_trace = own.is_pydev_daemon_thread = True
    pydevd.settrace(
        host="127.0.0.1", port=arguments["port"], client_access_token=arguments["token"],
        suspend=False, wait_for_ready_to_run=False, patch_multiprocessing=False,
        notify_stdin=False,
        dont_trace_start_patterns=(os.path.dirname(debugpy.__file__), os.path.dirname(__file__)))
    _settrace(None)
    _hold_threads(pydevd)
    _pydevd = pydevd
    sys.breakpointhook = debugpy.breakpoint
    _keep_empty_lines(True)
    events = _mesale_shell.shell.events
    if _before_cell not in events.callbacks["pre_execute"]:
        events.register("pre_execute", _before_cell)
        events.register("post_execute", _after_cell)
        events.register("post_run_cell", _after_error)
    _mesale_loop.is_held = _is_held
    return {"rules": _rules()}


def disconnect(arguments):
    """After the connection was closed for writing, at which debugpy ends by itself."""
    global _pydevd
    pydevd, _pydevd = _pydevd, None
    if pydevd is None:
        return {}
    sys.breakpointhook = _hook
    _keep_empty_lines(False)
    _mesale_loop.is_held = None
    if not _mesale_loop.main.loop.is_closed():
        _mesale_loop.main.loop.call_soon_threadsafe(_before_cell)
    end = time.monotonic() + 1
    while pydevd.get_global_debugger() is not None and time.monotonic() < end:
        time.sleep(0.01)
    pydevd.stoptrace()
    return {}


def _before_cell():
    """What runs cells is traced while there is a debugger, however it came to run them."""
    trace = sys.gettrace()
    if _pydevd is not None and trace is None:
        import debugpy
        debugpy.debug_this_thread()
        thread = threading.current_thread()
        if isinstance(thread, threading._DummyThread):
            thread.name = "Subshell"
    elif _pydevd is None and "pydevd" in type(trace).__module__:
        _settrace(None)


def _after_cell():
    """A step that led out of the cell is over: it must not stop the next one."""
    info = getattr(threading.current_thread(), "additional_info", None)
    if _pydevd is not None and info is not None and info.pydev_state == _pydevd.STATE_RUN:
        info.pydev_original_step_cmd = info.pydev_step_cmd = -1
        info.pydev_step_stop = None
        if hasattr(info, "update_stepping_info"):
            info.update_stepping_info()


def _after_error(result):
    """IPython catches every exception of a cell, so that debugpy sees none that is not caught."""
    error = getattr(result, "error_in_exec", None)
    if _pydevd is not None and isinstance(error, Exception):
        import debugpy
        if hasattr(debugpy, "trigger_exception_handler"):   # since 1.8.21
            debugpy.trigger_exception_handler(error)
            _after_cell()


def _after_fork():
    """A forked child has no debugger: at a breakpoint it would stand for ever."""
    global _pydevd
    if _pydevd is not None:
        pydevd, _pydevd = _pydevd, None
        pydevd.settrace_forked(setup_tracing=False)
        threading.settrace(None)
        _settrace(None)
        sys.breakpointhook = _hook


def _keep_empty_lines(keep):
    """Line numbers of a breakpoint count the empty lines that IPython takes away."""
    global _transform
    from IPython.core.inputtransformer2 import leading_empty_lines
    transforms = _mesale_shell.shell.input_transformer_manager.cleanup_transforms
    if keep and leading_empty_lines in transforms:
        _transform = transforms.index(leading_empty_lines)
        del transforms[_transform]
    elif not keep and _transform is not None:
        transforms.insert(_transform, leading_empty_lines)
        _transform = None


def _rules():
    """What is never stopped in, and stepped over: what runs the cells, as far as no user has
    imported it, and what shows their errors."""
    names = {name.partition(".")[0] for name in _mesale_shell.own_modules} | _HIDDEN
    return [{"module": name, "include": False} for name in sorted(names - {"__main__"})]


def _hold_threads(pydevd):
    """Makes an interrupt end the wait at a breakpoint, and then be raised there."""
    debugger = pydevd.get_global_debugger()
    wait, often, seldom = debugger.do_wait_suspend, pydevd.TIMEOUT_FAST, pydevd.TIMEOUT_SLOW

    def wait_briefly(*args, **keywords):
        # so often it looks whether it may go on; debugpy's other threads look with it
        pydevd.TIMEOUT_SLOW = often
        try:
            wait(*args, **keywords)
        finally:
            pydevd.TIMEOUT_SLOW = seldom

    def hold(*args, **keywords):
        global _held, _interrupted
        if threading.current_thread() is not threading.main_thread():
            return wait_briefly(*args, **keywords)
        _held, _interrupted = True, False
        try:
            wait_briefly(*args, **keywords)
        finally:
            _held = False
        if _interrupted:
            signal.raise_signal(signal.SIGINT)

    debugger.do_wait_suspend = hold


def _is_held(frame):
    """Lets go what stands at breakpoints, unless what is interrupted is an evaluation for the user.
    Whether the main thread is among it: then it is interrupted when it goes on, and not now."""
    global _interrupted
    while _held and frame is not None and frame.f_code not in _mesale_loop.GUARDS:
        if frame.f_code.co_name == "evaluate_expression":
            return False
        frame = frame.f_back
    _interrupted = True
    _kernel.release_debugger()
    return _held


os.register_at_fork(after_in_child=_after_fork)


# --- variables ------------------------------------------------------------------------------------

def user_variables():
    return _mesale_shell.shell.user_ns


def inspect_variables(arguments):
    _references.clear()
    hidden = _mesale_shell.shell.user_ns_hidden
    items = sorted(user_variables().items())
    return {"variables": [_describe(name, value, name) for name, value in items
                          if hidden.get(name, hidden) is not value]}


def variables(arguments):
    reference = arguments.get("variablesReference")
    if reference not in _references:
        raise LookupError("the variables have changed")
    value, path = _references[reference]
    start = max(0, arguments.get("start") or 0)
    count = arguments.get("count") or _LIMIT
    children = itertools.islice(_children(value), start, start + min(count, _LIMIT))
    return {"variables": [_describe(name, child, f"{path}{step}" if path and step else "")
                          for name, child, step in children]}


def _children(value):
    """(name, value, what leads to it behind the parent's own expression)"""
    if isinstance(value, dict):
        for key, child in list(value.items()):
            yield _text(key), child, f"[{key!r}]" if isinstance(key, (str, int)) else ""
    elif isinstance(value, (list, tuple, collections.deque)):
        for index, child in enumerate(value):
            yield str(index), child, f"[{index}]"
    elif isinstance(value, (set, frozenset)):
        for index, child in enumerate(list(value)):
            yield str(index), child, ""
    for name, child in list(getattr(value, "__dict__", {}).items()):
        yield str(name), child, f".{name}"
    for name in ("shape", "dtype", "device", "columns", "index"):
        try:
            yield name, getattr(value, name), f".{name}"
        except Exception:
            pass


def _describe(name, value, path):
    described = {"name": name, "value": _text(value), "type": type(value).__name__,
                 "evaluateName": path, "variablesReference": 0}
    simple = value is None or isinstance(value, (bool, int, float, complex, str, bytes, type))
    if not simple and next(_children(value), None) is not None:
        number = described["variablesReference"] = next(_numbers)
        _references[number] = value, path
    return described


def _text(value):
    import reprlib
    short = reprlib.Repr()
    short.maxstring = short.maxother = short.maxlong = 1000
    short.maxlist = short.maxtuple = short.maxdict = short.maxset = short.maxfrozenset = 20
    short.maxdeque = short.maxarray = 20
    return short.repr(value)


def evaluate(arguments):
    """An expression, or statements, without a frame: in the notebook's variables."""
    code, names = arguments.get("expression", ""), user_variables()
    try:
        compiled = compile(code, "<debugger>", "eval")
    except SyntaxError:
        exec(compile(code, "<debugger>", "exec"), names)
        return {"result": "", "variablesReference": 0}
    described = _describe("", eval(compiled, names), code)
    return {"result": described["value"], "type": described["type"],
            "variablesReference": described["variablesReference"]}


def check_name(arguments):
    """Names become a part of code that the debugger evaluates: nothing else may."""
    name = arguments["name"]
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ValueError(f"{name!r} is not the name of a variable")
    return {}


def rich_inspect(arguments):
    name = arguments["variableName"]
    if name not in user_variables():
        raise NameError(f"name {name!r} is not defined")
    show(user_variables()[name])
    return take_shown(arguments)


def show(value):
    """Called by the expression that the debugger evaluates in the frame of a variable."""
    global _shown
    data, metadata = _mesale_shell.shell.display_formatter.format(value)
    _shown = {"data": data,
              "metadata": {kind: about for kind, about in metadata.items() if kind in data}}


def take_shown(arguments):
    global _shown
    shown, _shown = _shown, None
    return shown or {"data": {}, "metadata": {}}


def modules(arguments):
    found = [{"id": number, "name": module.__name__, "path": module.__spec__.origin}
             for number, module in enumerate(list(sys.modules.values()))
             if str(getattr(getattr(module, "__spec__", None), "origin", "")).endswith(".py")]
    start = max(0, arguments.get("startModule") or 0)
    count = arguments.get("moduleCount") or len(found)
    return {"modules": found[start:start + count], "totalModules": len(found)}


# --- called by the kernel (debug_python.c) --------------------------------------------------------

_FUNCTIONS = {function.__name__: function for function in (
    prepare, connect, disconnect, inspect_variables, variables, evaluate, check_name, rich_inspect,
    take_shown, modules)}


def call(name, arguments):
    try:
        return {"result": _FUNCTIONS[name](arguments)}
    except RuntimeError as error:
        return {"problem": str(error)}
    except BaseException as error:
        return {"problem": f"{type(error).__name__}: {error}"}
