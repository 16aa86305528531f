"""The plug-in is a library by itself: one door, and nothing of the library or of its CPU side within."""
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILT = sorted({path for path in (pathlib.Path(os.environ.get("MESALE_CUDA") or "/none"), ROOT / "build/lib/libmesale_cuda.so")
                if path.exists()})


def symbols(*arguments):
    """Names that nm lists; not the weak ones, which every file that includes a C++ header has."""
    told = subprocess.run(["nm", *map(str, arguments)], text=True, capture_output=True, check=True).stdout
    return {words[-1].partition("@")[0] for words in map(str.split, told.splitlines()) if words and words[-2] not in "VWuw"}


@pytest.mark.parametrize("plugin", BUILT, ids=lambda path: path.parent.name)
def test_what_the_plug_in_is_made_of(plugin):
    exported = symbols("-D", "--defined-only", plugin)
    assert exported == {"mesale_cuda_plugin"}
    library = symbols("-D", "--defined-only", ROOT / "build/lib/libmesale_tensor.so.0")
    assert len(library) > 300 and not symbols("-D", "-u", plugin) & library
    objects = [path for path in (ROOT / "build/obj/tensor/cpu").rglob("*.o")]
    theirs = set().union(*(symbols("--defined-only", "--extern-only", path) for path in objects))
    assert len(theirs) > 100 and not symbols("--defined-only", plugin) & theirs
