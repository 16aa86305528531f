"""Every op that has a CUDA kernel gives on the GPU what PyTorch gives on the CPU, in every recorded case of float32, int64 and
bool; with CUDA_DTYPES=all in those of all dtypes. On a real GPU cases that end in a device assert are left out: it would
serve this process no more."""
import os

import pytest

import carried

WANTED = None if os.environ.get("CUDA_DTYPES") == "all" else {"float32", "int64", "bool"}
SHOWN = 10  # differences told of one op
CASES = carried.read()
OPS = carried.ops()
KERNELS = [name for name, has_kernel in OPS.items() if has_kernel]
counted = {}


def _is_wanted(code, told):
    if WANTED is not None and not carried.dtypes_of(code) <= WANTED:
        return False
    return carried.is_stand_in() or "error" not in str(told)


@pytest.mark.parametrize("name", [name for name in KERNELS if name not in carried.RANDOM])
def test_cases(name):
    cases = [case for case in CASES[name] if _is_wanted(*case)]
    different = []
    for code, told in cases:
        found = carried.difference(code, told)
        if found:
            different.append(f"{code}\n    {found[:600]}")
    counted[name] = len(cases)
    assert not different, f"{len(different)} of {len(cases)} cases differ:\n" + "\n".join(different[:SHOWN])
    assert cases, "nothing is recorded of it"


def test_what_was_compared(capsys):
    """Runs last: what this run says; an op without a kernel says so itself."""
    missing = [name for name, has_kernel in OPS.items() if not has_kernel]
    for name in missing:
        found = [carried.difference(code, told) for code, told in CASES[name]
                 if carried.dtypes_of(code) <= {"float32", "int64"}]
        assert any(each and "has no CUDA kernel yet" in each for each in found), (name, found[:3])
    with capsys.disabled():
        print(f"\nCUDA: {len(KERNELS)} of {len(OPS)} ops have kernels, {sum(counted.values()):,} cases of {len(counted)} compared, "
              f"{len(set(KERNELS) & carried.RANDOM)} random ones elsewhere; none yet: {', '.join(missing) or 'nothing'}")
    assert len(KERNELS) > len(missing)
