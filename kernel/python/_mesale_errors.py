"""How errors are shown: long ones folded, groups whole, and with notes that help with tensors.

The notes are part of an exception only while it is shown.
"""
import ast
import os
import re
import sys
import threading
import traceback

import _kernel
import _mesale_live
import _mesale_signatures
import _mesale_source

_FRAMES = 40        # a longer traceback is folded
_FRAMES_KEPT = 3    # at either end then
_TENSORS = 8        # as many are described
_NAME = 60          # whose names are no longer
_LINES = 100        # of an expression that goes over more nothing is said
_CHAIN = 100        # as many exceptions are looked at

_OTHERS = (NameError, KeyError, ImportError, SyntaxError, AssertionError, StopIteration,
           RecursionError, ZeroDivisionError, OSError, EOFError)    # no operation raises these

_language = next((value for value in map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))
                  if value), "")
_turkish = _language.partition("_")[0].partition(".")[0].lower() in ("tr", "turkish")


def text_of(error):
    try:
        return str(error)
    except Exception:
        return f"<{type(error).__name__} whose __str__ failed>"


def is_cell_frame(entry):
    from IPython import get_ipython
    return entry.tb_frame.f_code.co_filename in get_ipython().compile._filename_map


def _chain(error):
    """The exception, those before it, and the members of groups."""
    found, waiting = [], [error]
    while waiting and len(found) < _CHAIN:
        error = waiting.pop()
        if error is not None and not any(error is other for other in found):
            found.append(error)
            waiting += [error.__cause__, error.__context__]
            if isinstance(error, BaseExceptionGroup):
                waiting += error.exceptions
    return found


def _entries(tb):
    found = []
    while tb is not None:
        found.append(tb)
        tb = tb.tb_next
    return found


class _Fold:
    """Takes the middle out of a very long traceback, a recursion, until it is undone."""

    count = 0

    def __init__(self, tb):
        entries = _entries(tb)
        if len(entries) > _FRAMES:
            first = next((i for i, e in enumerate(entries) if is_cell_frame(e)), 0) + _FRAMES_KEPT
            if first < len(entries) - _FRAMES_KEPT:
                self._before, self._cut = entries[first - 1], entries[first]
                self._before.tb_next = entries[-_FRAMES_KEPT]
                self.count = len(entries) - first - _FRAMES_KEPT

    def undo(self):
        if self.count:
            self._before.tb_next = self._cut


_shown = threading.local()


class Prepared:
    """Inside of this an exception is as it is to be shown: folded, and with notes."""

    def __init__(self, error, tb):
        self._error, self._tb = error, tb
        self.is_group = False

    def __enter__(self):
        chain = _chain(self._error)
        self.is_group = any(isinstance(error, BaseExceptionGroup) for error in chain)
        self._folds, self._noted = [], []
        for error in chain:
            notes = _notes(error)
            fold = _Fold(self._tb if error is self._error else error.__traceback__)
            self._folds.append(fold)
            if fold.count and (self.is_group or error is not self._error):
                notes.append(_left_out(fold.count))
            if notes and _add_notes(error, notes):
                self._noted.append(error)
        _shown.left_out = 0 if self.is_group else self._folds[0].count
        return self

    def __exit__(self, *unused):
        _shown.left_out = 0
        for fold in reversed(self._folds):
            fold.undo()
        for error in self._noted:
            _remove_notes(error)


def _left_out(count):
    return f"    ... {count} frames left out ..."


def with_fold(lines):
    """The lines of a traceback, with one that says how much was left out."""
    lines = [str(line) for line in lines]
    count = getattr(_shown, "left_out", 0)
    if count:
        lines.insert((len(lines) + 1) // 2, _left_out(count))
    return lines


def _name_cells(shell, text):
    """Cells named as everywhere, not by their invented file names."""
    for name in shell.compile._filename_map:
        text = text.replace(f'File "{name}"', " ".join(shell.compile.format_code_name(name)))
    return text


def plain_lines(shell, etype, error, tb):
    """The standard library's form, which knows groups, beginning at the cell."""
    start = next(filter(is_cell_frame, _entries(tb)), tb)
    text = "".join(traceback.format_exception(etype, error, start))
    return _name_cells(shell, text).rstrip("\n").split("\n")


def watch_threads(shell):
    """An error that ends a thread is told on standard error, with the source of cells."""
    def show(args):
        if args.exc_type is SystemExit or _kernel.is_child():
            return original(args)
        try:
            name = args.thread.name if args.thread is not None else threading.get_ident()
            with Prepared(args.exc_value, args.exc_traceback):
                lines = plain_lines(shell, args.exc_type, args.exc_value, args.exc_traceback)
            print(f"Exception in thread {name}:", *lines, sep="\n", file=sys.stderr)
        except Exception:
            original(args)

    original = threading.excepthook
    threading.excepthook = show


# --- notes ----------------------------------------------------------------------------------------

def _notes(error):
    """Whatever goes wrong with them, the error itself is shown."""
    torch = sys.modules.get("torch")
    if isinstance(error, _OTHERS) or not isinstance(error, Exception):
        return []
    try:
        place = _place(error.__traceback__, torch)
        notes = [_keyword_note(error, place), _tensor_note(place, torch)] if place else []
        return [note for note in notes if note]
    except Exception:
        return []


def _add_notes(error, notes):
    """Whether it could be done; undone by _remove_notes."""
    try:
        own = getattr(error, "__notes__", [])
        if isinstance(own, list):
            error._mesale_notes = list(own)
            error.__notes__ = [*own, *notes]
            return True
    except Exception:
        pass
    return False


def _remove_notes(error):
    try:
        error.__notes__ = error._mesale_notes
        del error._mesale_notes
        if not error.__notes__:
            del error.__notes__
    except Exception:
        pass


class _Place:
    """Where an error left the user's own code: the lines, and the expression that failed."""

    def __init__(self, frame, lines, columns):
        self._namespaces = frame.f_locals, frame.f_globals, frame.f_builtins
        self.lines = "".join(lines)
        ends = [line.encode() for line in lines]    # columns count bytes
        ends[-1] = ends[-1][:columns[1]]
        ends[0] = ends[0][columns[0]:]
        self.failed = b"".join(ends).decode()

    def value(self, chain):
        """What a name with attributes means there."""
        return _mesale_live.chain(chain, *self._namespaces)

    def call(self):
        """The call that failed, or None."""
        try:
            tree = ast.parse(f"({self.failed}\n)", mode="eval").body
        except SyntaxError:
            return None
        return tree if isinstance(tree, ast.Call) else None

    def function(self, call):
        return _mesale_live.value(call.func, *self._namespaces)


def _place(tb, torch):
    """The last frame outside of torch, if the error came right out of it."""
    import itertools
    import linecache
    inside = os.path.dirname(getattr(torch, "__file__", None) or "") + os.sep
    entries = _entries(tb)
    if torch is not None:
        while entries and entries[-1].tb_frame.f_code.co_filename.startswith(inside):
            entries.pop()
    if not entries:
        return None
    frame, code = entries[-1].tb_frame, entries[-1].tb_frame.f_code
    first, last, *columns = next(itertools.islice(code.co_positions(),
                                                  entries[-1].tb_lasti // 2, None))
    source = linecache.getlines(code.co_filename, frame.f_globals)
    if None in (first, last, *columns) or last - first >= _LINES or last > len(source):
        return None
    place = _Place(frame, source[first - 1:last], columns)
    return None if re.match(r"\s*(raise|assert)\b", place.failed) else place


def _tensor_note(place, torch):
    """dtype, shape and device of each tensor named on the failing line."""
    if torch is None:
        return None
    failed = [place.value(chain) for chain in _mesale_source.chains(place.failed)]
    if not any(isinstance(thing, torch.Tensor) or thing is not _mesale_live.MISSING and
               callable(thing) and _mesale_signatures.is_torch(thing) for thing in failed):
        return None
    tensors = {}
    for chain in _mesale_source.chains(place.lines):
        thing, name = place.value(chain), ".".join(chain)
        if isinstance(thing, torch.Tensor) and len(name) <= _NAME:
            tensors[name] = thing
    lines = [_describe(name, tensor) for name, tensor in list(tensors.items())[:_TENSORS]]
    title = "Bu satırdaki tensörler:" if _turkish else "Tensors on this line:"
    return "\n".join([title, *lines]) if lines else None


def _describe(name, tensor):
    kind, shape, device = tensor.dtype, tuple(tensor.shape), tensor.device
    if _turkish:
        return f"  {name}: {kind}, biçim {shape}, aygıt {device}"
    return f"  {name}: {kind}, shape {shape}, device {device}"


def _keyword_note(error, place):
    """What an unknown keyword of a call was meant to be."""
    text = text_of(error)
    match = isinstance(error, TypeError) and re.match(
        r"([\w.]+)\(\) (?:got an unexpected keyword argument '(\w+)'|"
        r"received an invalid combination of arguments)", text)
    if not match:
        return None
    import difflib
    call = place.call()
    given = [match[2]] if match[2] else [k.arg for k in call.keywords if k.arg] if call else []
    known = []
    for thing in [place.function(call)] * bool(call) + _operations(match[1], call):
        known = _mesale_signatures.keywords(thing) if thing is not _mesale_live.MISSING else []
        if known and not set(given) <= set(known):
            break
    for name in given:
        close = difflib.get_close_matches(name, known, 1, 0.6) if name not in known else ()
        if close:
            return _question(close[0])
    return None


def _operations(name, call):
    """Operations of that name, for a call of a method of something that cannot be named."""
    torch = sys.modules.get("torch")
    names = [name.rpartition(".")[2], call and getattr(call.func, "attr", None)]
    return [getattr(place, n) for place in (getattr(torch, "Tensor", None), torch) for n in names
            if n and hasattr(place, n)]


# English words whose last letter is not heard; what counts is the last vowel that is
_HEARD = {"type": "a", "size": "a", "side": "a", "device": "a", "mode": "o", "value": "u",
          "shape": "e", "scale": "e", "base": "e", "place": "e", "range": "e", "reduce": "u",
          "true": "u", "out": "u", "source": "o", "nonlinearity": "i"}


def _question(name):
    if not _turkish:
        return f"did you mean {name}?"
    last = next((sound for end, sound in _HEARD.items() if name.lower().endswith(end)), None)
    vowel = last or next((v for v in reversed(name.lower()) if v in "aıeiouöüy"), "i")
    particle = {"a": "mı", "ı": "mı", "o": "mu", "u": "mu", "ö": "mü", "ü": "mü"}.get(vowel, "mi")
    return f"{name} {particle} demek istediniz?"
