"""The recorded cases of tests/parity, carried to the GPU: the same code under `torch.set_default_device('cuda')` has to give
what PyTorch gave on the CPU, but for where tensors say that they are."""
import gzip
import json
import pathlib
import re
import sys

PARITY = pathlib.Path(__file__).resolve().parents[1] / "parity"
if str(PARITY) not in sys.path:
    sys.path.insert(0, str(PARITY))

import torch  # noqa: E402

import answer  # noqa: E402
import compare  # noqa: E402
import known  # noqa: E402
import table  # noqa: E402

DTYPE = re.compile(r"\b(bool|uint8|int8|int16|int32|int64|float16|bfloat16|float32|float64)\b")
DEVICE = re.compile(r",\s*device='cuda:0'")
SPACE = re.compile(r"\s+")
KERNEL = "has no CUDA kernel yet"


def ops():
    """{name: "" or "cpu", where the table says that it has no CUDA kernel}"""
    return {op["name"]: "cpu" if "cpu" in op["device"].split() else "" for op in table.ops()}


def read():
    """{name: [(code, answer)]} of all that is recorded of ops."""
    found, wanted = {}, ops()
    for path in sorted((PARITY / "recorded").glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for name, code, told in map(json.loads, file):
                if name in wanted:
                    found.setdefault(name, []).append((code, told))
    return found


def dtypes_of(code):
    return set(DTYPE.findall(code))


def plain(told):
    """An answer without what may differ: the device and the line breaks of its printed text."""
    if isinstance(told, dict):
        return {key: plain(value) for key, value in told.items()}
    if isinstance(told, list):
        return [plain(value) for value in told]
    return SPACE.sub(" ", DEVICE.sub("", told)) if isinstance(told, str) else told


def run(code):
    with torch.device("cuda"):
        return answer.run(code)


def difference(code, told):
    """Where the GPU's answer differs from PyTorch's, as text; None where it does not."""
    found = compare.difference(plain(run(code)), plain(told))
    return None if not found or known.reason(code, found) else found
