"""What `mesale info` tells of the interpreter and its packages, as (key, value) pairs in a fixed order."""

import importlib.metadata
import importlib.util
import os
import sys


def version_of(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def all_of(name):
    """(version, folder) of every installed distribution of that name, in the order of sys.path."""
    found = []
    for entry in dict.fromkeys(os.path.realpath(path or os.getcwd()) for path in sys.path):
        for distribution in importlib.metadata.distributions(name=name, path=[entry]):
            found.append((distribution.version, entry))
    return found


def torch_lines(site):
    """Which torch an import gets, why, and which ones it hides."""
    spec = importlib.util.find_spec("torch")
    if spec is None or not spec.origin:
        yield "torch", "none (no folder of sys.path has it)"
        return
    folder = os.path.dirname(os.path.dirname(os.path.realpath(spec.origin)))
    ours = site is not None and folder == os.path.realpath(site)
    known = all_of("torch")
    version = next((version for version, entry in known if entry == folder), "of unknown version")
    why = "Meşale's own: its folder comes first in sys.path" if ours else "found first in sys.path"
    yield "torch", f"{version} in {folder} ({why})"
    for version, entry in known:
        if entry != folder:
            cure = "; a kernel made by `mesale install --torch real` uses it" if ours else ""
            yield "torch-hidden", f"{version} in {entry} (later in sys.path{cure})"
    if ours:
        yield from build_lines()


def build_lines():
    """What our tensor library says of itself once it is loaded."""
    keys = {"isa": "instruction-set", "threads": "threads", "blas": "blas", "cuda": "cuda"}
    try:
        import torch

        facts = torch._C._build_info()
    except Exception as problem:
        yield "torch-problem", f"{type(problem).__name__}: {problem}"
        return
    for key, shown in keys.items():
        if key in facts:
            yield shown, str(facts[key] or "none")


def lines(site):
    """site: the folder of the packages torch and mesale, None if this program has none."""
    yield "python", f"{sys.version.split()[0]} at {sys.executable}"
    yield "prefix", sys.prefix + ("" if sys.prefix == sys.base_prefix else f" (environment of {sys.base_prefix})")
    for name in ("ipython", "comm", "matplotlib-inline", "debugpy"):
        yield name, version_of(name)
    yield from torch_lines(site)
