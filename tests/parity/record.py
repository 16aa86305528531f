"""Runs the cases under PyTorch and writes recorded/*.json: what test_parity.py then compares our torch with.

    build/oracle/bin/python tests/parity/record.py [file ...]
"""
import json
import pathlib
import sys

import torch

import answer
import cases

FOLDER = pathlib.Path(__file__).parent / "recorded"


# digits that tell every value of the type apart
DIGITS = {"float16": 5, "bfloat16": 4, "float32": 9}


def shortened(value, digits=17):
    """The answer with no more digits than its dtypes hold."""
    if isinstance(value, list):
        return [shortened(item, digits) for item in value]
    if isinstance(value, dict):
        return {key: shortened(item, DIGITS.get(key.split("[")[0], 17)) for key, item in value.items()}
    return float(f"{value:.{digits}g}") if isinstance(value, float) else value


def main(names):
    if "mesale" in torch.__version__:
        sys.exit("record.py wants PyTorch itself on the path, not our torch")
    torch.set_num_threads(1)
    torch.set_warn_always(True)  # else what a case says would hang on the cases before it
    for name, make in cases.FILES.items():
        if names and name not in names:
            continue
        pairs = [(code, shortened(answer.run(code))) for code in make()]
        lines = [json.dumps(pair, separators=(",", ":"), ensure_ascii=False) for pair in pairs]
        text = "[\n" + ",\n".join(lines) + "\n]\n"
        (FOLDER / f"{name}.json").write_text(text, encoding="utf-8")
        print(f"{name}: {len(lines)} cases, {len(text) >> 10} KiB")


main(sys.argv[1:])
