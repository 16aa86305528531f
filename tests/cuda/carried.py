"""The recorded cases of tests/parity, carried to the GPU: the same code under `torch.device('cuda')` has to give what PyTorch
gave on the CPU, but for what LATE, OWN and the device's name say."""
import ctypes
import gzip
import json
import os
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
# an index that the CPU refuses trips an assertion on the device, which is told later
LATE = re.compile(r"device-side assert triggered")
REFUSED = ("IndexError", "RuntimeError")
# what PyTorch has no CUDA kernel for either: products of whole numbers
OWN = re.compile(r'"(addmm_cuda|addmv_impl_cuda|baddbmm_cuda|dot|\w+_cuda)" not implemented for')
# cases that say where they are, or take places from the host
ELSEWHERE = re.compile(r"\.to\(\d|'cuda|'cpu'|torch\.device|Generator\(|tensor_split\(.*T\(")
# the numbers of a GPU's random stream are others: test_random.py has those that are known
RANDOM = {"rand", "randn", "randint", "randperm", "rand_like", "randn_like", "randint_like", "normal", "normal_", "uniform_",
          "bernoulli", "bernoulli_", "multinomial", "random_", "exponential_", "geometric_", "cauchy_", "log_normal_"}


def ops():
    """{name of an op that Python sees: whether it has a CUDA kernel}"""
    return {op["name"]: "cpu" not in op["device"].split() for op in table.ops()}


def read():
    """{name: [(code, answer)]} of all that is recorded of ops."""
    found, wanted = {}, ops()
    for path in sorted((PARITY / "recorded").glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for name, code, told in map(json.loads, file):
                if name in wanted and not ELSEWHERE.search(code):
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


def forget_errors():
    """After an assertion a GPU serves its process no more; the stand-in does, once told to."""
    host = ctypes.CDLL(str(pathlib.Path(os.environ["MESALE_CUDA"]).parent / "libcudart_host.so"))
    host.cuda_host_reset()


def is_stand_in():
    return "stand-in" in torch.cuda.get_device_name()


def _errors(told, expected):
    """(the error here, the one of PyTorch), each "" where there is none."""
    found = []
    for each in (told, expected):
        inner = each.get("answer", each) if isinstance(each, dict) else {}
        found.append(f"{inner.get('error', '')}: {inner.get('message', '')}" if "error" in inner else "")
    return found


def difference(code, expected):
    """Where the GPU's answer differs from PyTorch's, as text; None where it does not."""
    with torch.device("cuda"):
        told = answer.run(code)
    here, there = _errors(told, expected)
    if LATE.search(json.dumps(told)):
        forget_errors()
        return None if there.startswith(REFUSED) else f"answer: {here or told!r}, not {expected!r}"
    if OWN.search(here):
        return None
    found = compare.difference(plain(told), plain(expected))
    return None if not found or known.reason(code, found) else found
