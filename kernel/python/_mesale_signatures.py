"""Signatures of anything that can be called: Python's own, and those of tensor operations, which
are in the first lines of their docstrings and, with every keyword, in the stubs of torch._C.
"""
import functools
import inspect
import os
import re
import sys

_HEAD = re.compile(r"[\w.]+(\(.*\)(?: --?> .*)?)$")
_STUB = re.compile(r"^(    )?def (\w+)(\(.*\) -> .*): \.\.\.$", re.M)
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


def is_operation(thing):
    """Whether it is a function or method in C of the tensor library."""
    return is_builtin(thing) and is_torch(thing)


def resolved(thing):
    """What an operation is another name of, or itself."""
    doc = getattr(thing, "__doc__", None)
    match = _ALIAS.match(doc) if isinstance(doc, str) else None
    name = match and match[1].rpartition(".")[2]
    torch = sys.modules.get("torch")
    place = getattr(torch, "Tensor", None) if _is_method(thing) else torch
    return getattr(place, name, thing) if name else thing


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
    """Signatures in the stubs of torch._C, by (is a method, name); one for each overload."""
    module = sys.modules.get("torch._C")
    folder = os.path.join(os.path.dirname(getattr(module, "__file__", None) or ""), "_C")
    found = {}
    for name in ("__init__.pyi", "_VariableFunctions.pyi"):
        try:
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                for indent, function, text in _STUB.findall(file.read()):
                    found.setdefault((bool(indent), function), []).append(text)
        except OSError:
            pass
    return found


def _of_stubs(thing):
    return _stubs().get((_is_method(thing), thing.__name__), [])


def _of_python(thing):
    """As inspect has it; that of forward for a module of layers."""
    signature = inspect.signature(thing)
    kinds = {p.kind for p in signature.parameters.values()}
    forward = getattr(type(thing), "forward", None)
    if kinds <= {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD} and forward:
        signature = inspect.signature(forward.__get__(thing))
    return signature


def signature(thing, bound=False):
    """As text, "(x, y=1)"; "" if it is not known. bound: of a function in a class, as it is called
    of an object."""
    if is_operation(thing):
        thing = resolved(thing)
        text = next(iter(_of_docstring(thing) or _of_stubs(thing)), "")
        first = r"(?:input|self)" if _is_method(thing) else None
    else:
        try:
            text = str(_of_python(thing))
        except Exception:
            return next(iter(_of_docstring(thing)), "")
        takes_self = bound and (inspect.isfunction(thing) or inspect.ismethoddescriptor(thing))
        first = r"\w+(?:, /)?" if takes_self else None
    return re.sub(rf"^\({first}(?:, |(?=\)))", "(", text) if first else text


def _is_method(thing):
    owner = getattr(thing, "__objclass__", None) or getattr(thing, "__self__", None)
    return owner is not None and not inspect.ismodule(owner)


def _names(text):
    """Names of parameters in "(a, *, b: int = 1, **c) -> x"."""
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
    if is_operation(thing):
        thing = resolved(thing)
        found = _of_stubs(thing) or _of_docstring(thing)
        names = dict.fromkeys(name for text in found for name in _names(text))
        return [name for name in names if name != "self"]
    try:
        parameters = _of_python(thing).parameters.values()
        return [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    except Exception:
        return [name for text in _of_docstring(thing) for name in _names(text)]
