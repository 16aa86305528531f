"""Answers cases, one JSON text a line: code in, answer out. Under PyTorch the answers are the oracle's."""
import json
import sys

import torch

import answer
import oracle


def main():
    ours = "mesale" in torch.__version__
    torch.set_num_threads(1)
    if not ours:
        torch.set_warn_always(True)  # else what a case says would hang on the cases before it
    ask = answer.run if ours else oracle.ask
    out = sys.stdout
    sys.stdout = sys.stderr
    for line in sys.stdin:
        out.write(json.dumps(ask(json.loads(line))) + "\n")
        out.flush()


main()
