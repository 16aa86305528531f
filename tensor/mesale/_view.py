"""Views of what holds tensors: lists, tuples, dicts, named tuples, torch.Size; and how a shell comes to show them."""
from torch import _C

from mesale._names import running_shell

_DEPTH = 3      # lists within lists are looked through so deep
_LENGTH = 1000  # as many members of each
_KINDS = (list, tuple, dict)


def view_of(holder):
    """The HTML of a list, tuple or dict that holds tensors, or of a torch.Size; None of anything else."""
    if not _C._get_view() or _shows_itself(holder):
        return None
    if isinstance(holder, _C.Size):
        return _C._view_size(holder, _text(holder))
    found = []
    _collect(holder, "", _DEPTH, found)
    return _C._view_items(found, _text(holder)) if found else None


def _shows_itself(holder):
    """Whether its class has a view of its own."""
    return any(hasattr(type(holder), name) for name in ("_repr_html_", "_repr_mimebundle_", "_ipython_display_"))


def _members(holder):
    """(name, member) of the first members: "['bias']", "[3]", or ".values" of a named tuple."""
    if isinstance(holder, dict):
        for _, (key, member) in zip(range(_LENGTH), holder.items()):
            yield f"[{key!r}]", member
        return
    fields = getattr(type(holder), "_fields", None) or getattr(type(holder), "__match_args__", None)
    named = isinstance(holder, tuple) and isinstance(fields, tuple) and len(fields) == len(holder)
    for index, member in zip(range(_LENGTH), holder):
        yield f".{fields[index]}" if named else f"[{index}]", member


def _collect(holder, path, depth, found):
    for name, member in _members(holder):
        if isinstance(member, _C.Tensor):
            found.append((path + name, member))
        elif depth > 1 and isinstance(member, _KINDS) and not isinstance(member, _C.Size):
            _collect(member, path + name, depth - 1, found)


def _text(holder):
    """What the shell prints."""
    shell = running_shell()
    text = shell.display_formatter.formatters["text/plain"](holder) if shell else None
    return text if isinstance(text, str) else repr(holder)


def enter_shell():
    """In a shell there are views, and graphs know the lines of cells."""
    if running_shell():
        _C._record_lines(True)
        register()


def register():
    """Tells the shell that runs of these views; what somebody else registered stays."""
    shell = running_shell()
    formatter = shell.display_formatter.formatters.get("text/html") if shell else None
    for kind in _KINDS if formatter else ():
        if kind not in formatter.type_printers:
            formatter.for_type(kind, view_of)
