"""Looks at the user's objects without running any code of theirs: no calls, no properties."""
import ast
import inspect
import sys
import types

import _mesale_signatures

MISSING = object()

_C_ATTRIBUTES = (types.GetSetDescriptorType, types.MemberDescriptorType,
                 types.MethodDescriptorType, types.WrapperDescriptorType,
                 types.ClassMethodDescriptorType)
_SEQUENCES = (list, tuple, str, bytes)


class Instance:
    """Some object of a class, of which no more is known."""

    def __init__(self, cls):
        self.cls = cls


def tensor_class():
    """torch.Tensor if there is one, else a class that nothing is of."""
    return getattr(sys.modules.get("torch"), "Tensor", None) or Instance


def _own_attributes(thing):
    try:
        found = object.__getattribute__(thing, "__dict__")
    except AttributeError:
        return {}
    return found if isinstance(found, dict) else {}


def attribute(thing, name):
    """An attribute, if no Python code has to run for it."""
    if isinstance(thing, types.ModuleType):
        return getattr(thing, name, MISSING)    # a module that is loaded when it is asked for
    if isinstance(thing, Instance):
        return inspect.getattr_static(thing.cls, name, MISSING)
    found = inspect.getattr_static(thing, name, MISSING)
    if found is MISSING:        # the parameters and parts of a module of layers
        own = _own_attributes(thing)
        for key in ("_parameters", "_buffers", "_modules"):
            if isinstance(own.get(key), dict) and name in own[key]:
                return own[key][name]
        return MISSING
    if isinstance(found, (*_C_ATTRIBUTES, types.FunctionType, staticmethod, classmethod)) \
            or type(found).__name__ == "_tuplegetter":
        is_class = isinstance(thing, type)
        try:
            return found.__get__(None if is_class else thing, thing if is_class else type(thing))
        except Exception:
            return MISSING
    return MISSING if hasattr(type(found), "__get__") and not isinstance(found, type) else found


def _item(thing, node):
    """An item of one of Python's own containers; one of a tensor is a tensor."""
    if _is_tensor(thing):
        return Instance(tensor_class())
    try:
        key = ast.literal_eval(node)
        if isinstance(thing, dict) and type(thing).__getitem__ in (dict.__getitem__, None):
            return dict.__getitem__(thing, key)
        if type(thing) in _SEQUENCES:
            return thing[key]
    except Exception:
        pass
    return MISSING


def _is_tensor(thing):
    cls = thing.cls if isinstance(thing, Instance) else type(thing)
    return issubclass(cls, tensor_class())


def _result(function):
    """What a call would give: known of tensor operations and of Python's own classes."""
    if isinstance(function, type):
        return Instance(function)
    if _mesale_signatures.is_operation(function) and \
            _mesale_signatures.signature(function).endswith("-> Tensor"):
        return Instance(tensor_class())
    return MISSING


def value(node, *namespaces):
    """What a name, or an expression that begins with one, means; MISSING if that cannot be told
    without running code. An Instance if only its class is known."""
    if isinstance(node, ast.Name):
        return next((names[node.id] for names in namespaces if node.id in names), MISSING)
    if isinstance(node, ast.Attribute):
        owner = value(node.value, *namespaces)
        return MISSING if owner is MISSING else attribute(owner, node.attr)
    if isinstance(node, ast.Subscript):
        owner = value(node.value, *namespaces)
        return MISSING if owner is MISSING else _item(owner, node.slice)
    if isinstance(node, ast.Call):
        function = value(node.func, *namespaces)
        return MISSING if function is MISSING else _result(function)
    if isinstance(node, (ast.BinOp, ast.UnaryOp)):
        sides = (node.left, node.right) if isinstance(node, ast.BinOp) else (node.operand,)
        tensors = any(_is_tensor(side) for side in (value(s, *namespaces) for s in sides))
        return Instance(tensor_class()) if tensors else MISSING
    try:
        return Instance(type(ast.literal_eval(node)))
    except Exception:
        return MISSING


def chain(words, *namespaces):
    """The same of a name and attributes."""
    thing = next((names[words[0]] for names in namespaces if words[0] in names), MISSING)
    for word in words[1:]:
        thing = MISSING if thing is MISSING else attribute(thing, word)
    return thing


def names(thing):
    """Names of the attributes."""
    if isinstance(thing, Instance):
        return dir(thing.cls)
    try:
        return [name for name in dir(thing) if isinstance(name, str)]
    except Exception:
        return dir(type(thing))


def attributes(thing):
    """The attributes as they are stored, by name: functions, descriptors and plain values."""
    cls = thing.cls if isinstance(thing, Instance) else type(thing)
    found = {}
    for base in reversed(cls.__mro__):
        found.update(vars(base))
    if isinstance(thing, type):
        for base in reversed(thing.__mro__):
            found.update(vars(base))
    elif not isinstance(thing, Instance):
        found.update(_own_attributes(thing))
    return found
