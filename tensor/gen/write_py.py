"""The Python side of the op table: binding.c, _C.pyi and ops.json. files() returns {name: text}."""


def files(ops):
    return {}
