"""Signatures of anything that can be called: Python's own, and those of tensor operations, which
are in the first lines of their docstrings and, with every keyword, in the stubs of torch._C.
"""
import functools
import inspect
import os
import re
import sys

_HEAD = re.compile(r"[\w.]+(\(.*\)(?: -> .*)?)$")
_ALIAS = re.compile(r"[\w.]+: another name of ([\w.]+)")


def is_builtin(thing):
    """A function or method written in C."""
    return inspect.isbuiltin(thing) or inspect.ismethoddescriptor(thing) \
        and not inspect.isfunction(thing)


def is_torch(thing):
    """Whether a function, method or class is the tensor library's."""
    owner = getattr(thing, "__objclass__", None) or getattr(thing, "__self__", None)
    if owner is not None and not inspect.ismodule(owner):
        owner = owner if isinstance(owner, type) else type(owner)
        return any(base.__module__.partition(".")[0] == "torch" for base in owner.__mro__)
    name = getattr(owner, "__name__", None) or getattr(thing, "__module__", None)
    return isinstance(name, str) and name.partition(".")[0] == "torch"


def resolved(thing):
    """What an operation is another name of, or itself."""
    match = _ALIAS.match(thing.__doc__) if isinstance(getattr(thing, "__doc__", None), str) else None
    name = match and match[1].rpartition(".")[2]
    torch = sys.modules.get("torch")
    for place in (getattr(thing, "__objclass__", None), getattr(torch, "Tensor", None), torch):
        if name and hasattr(place, name):
            return getattr(place, name)
    return thing


def _of_docstring(thing):
    """The signatures that a docstring begins with."""
    doc = getattr(thing, "__doc__", None)
    found = []
    for line in doc.lstrip().split("\n", 8) if isinstance(doc, str) else ():
        match = _HEAD.match(line.strip())
        if not match:
            break
        found.append(match[1])
    return found


@functools.lru_cache(1)
def _stubs():
    """The text of the stubs of torch._C."""
    module = sys.modules.get("torch._C")
    folder = os.path.join(os.path.dirname(getattr(module, "__file__", None) or ""), "_C")
    text = ""
    for name in ("__init__.pyi", "_VariableFunctions.pyi"):
        try:
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                text += "\n" + file.read()
        except OSError:
            pass
    return text


def _of_stubs(thing):
    """(self, dim: int, …) of a function, or of a method, from the stubs; one for each overload."""
    text, name, found = _stubs(), thing.__name__, []
    owner = getattr(thing, "__objclass__", None) or getattr(thing, "__self__", None)
    indent = "" if owner is None or inspect.ismodule(owner) else "    "
    start = f"\n{indent}def {name}("
    at = text.find(start)
    while at >= 0:
        end = text.find(": ...", at)
        found.append(text[at + len(start) - 1:end])
        at = text.find(start, end)
    return found


def _of_python(thing):
    """As inspect has it; that of forward for a module of layers."""
    signature = inspect.signature(thing)
    kinds = {p.kind for p in signature.parameters.values()}
    forward = getattr(type(thing), "forward", None)
    if kinds <= {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD} and forward:
        signature = inspect.signature(forward.__get__(thing))
    return signature


def signature(thing):
    """As text, "(x, y=1)"; "" if it is not known."""
    try:
        return str(_of_python(thing))
    except Exception:
        pass
    thing = resolved(thing)
    found = _of_docstring(thing) or (_of_stubs(thing) if is_torch(thing) else [])
    if found and getattr(thing, "__objclass__", None) or \
            found and isinstance(getattr(thing, "__self__", None), _tensor_class()):
        return re.sub(r"^\((?:input|self)(?:, |(?=\)))", "(", found[0])
    return found[0] if found else ""


def _tensor_class():
    return getattr(sys.modules.get("torch"), "Tensor", ())


def _names(text):
    """Names of parameters in "(a, *, b: int = 1, **c) -> x"; those after / * or with a default."""
    depth, piece, pieces = 0, "", []
    for letter in text[1:]:
        depth += letter in "([{"
        depth -= letter in ")]}"
        if depth < 0 or letter == "," and not depth:
            pieces.append(piece.strip())
            piece = ""
            if depth < 0:
                break
        else:
            piece += letter
    names = (re.match(r"[^\W\d]\w*(?=\s*(?:[:=]|$))", p) for p in pieces)
    return [match[0] for match in names if match]


def keywords(thing):
    """Names that the arguments of a call may have."""
    try:
        parameters = _of_python(thing).parameters.values()
        return [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    except Exception:
        pass
    thing = resolved(thing)
    found = (_of_stubs(thing) if is_torch(thing) else []) or _of_docstring(thing)
    names = dict.fromkeys(name for text in found for name in _names(text) if name != "self")
    return list(names)
