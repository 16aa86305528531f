"""The kernel side by side with ipykernel and xeus-python: every row of kernel_rows.py; and with ipykernel + PyTorch:
start, first result, memory, whole notebook.

    build/oracle/bin/python tests/bench/kernels.py --mesale build/bin/mesale --path build/share/jupyter [--rounds N]
                                                   [--rows-only]

Runs alternate. Start and first result are wall times from spawn, seen by a client that reconnects every 2 ms;
memory is the proportional set size of the process tree after the tutorial; the last row executes the Turkish
tutorial notebook (without its pip cell) with `mesale run` and with `jupyter execute`.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import psutil
from jupyter_client.manager import KernelManager

import kernel_rows

TUTORIAL = """import torch
A = torch.tensor([5.0], requires_grad=True)
with torch.no_grad():
    B = A**2 + 16
print(A.grad, A, B)
"""
WANT = "None tensor([5.], requires_grad=True) tensor([41.])\n"


def connected_client(manager):
    client = manager.client()
    context, make = client.context, client.context.socket

    def socket(kind):
        made = make(kind)
        made.reconnect_ivl = 2
        return made
    context.socket = socket
    try:
        client.start_channels(stdin=False, hb=False)
    finally:
        del context.socket
    return client


def wait_reply(client, message_id):
    while client.get_shell_msg(timeout=60)["parent_header"].get("msg_id") != message_id:
        pass


def memory(pid):
    total = 0
    for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
        with open(f"/proc/{process.pid}/smaps_rollup") as lines:
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def one_kernel(name):
    begin = time.perf_counter()
    manager = KernelManager(kernel_name=name)
    manager.start_kernel(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    client = connected_client(manager)
    wait_reply(client, client.kernel_info())
    ready = time.perf_counter() - begin
    text = []
    reply = client.execute_interactive(TUTORIAL, timeout=60, allow_stdin=False,
                                       output_hook=lambda m: text.append(m["content"].get("text", "")))
    result = time.perf_counter() - begin
    assert reply["content"]["status"] == "ok" and "".join(text) == WANT, (reply["content"], text)
    time.sleep(0.5)
    pss = memory(manager.provisioner.process.pid)
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    return {"spawn to kernel_info, ms": ready * 1e3, "spawn to the tutorial's result, ms": result * 1e3,
            "memory after the tutorial, MiB": pss}


def whole_notebook(command, notebook):
    begin = time.perf_counter()
    subprocess.run([*command, notebook], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return {"notebook executed, ms": (time.perf_counter() - begin) * 1e3}


def without_pip(source, kernel, portable):
    with open(source) as file:
        notebook = json.load(file)
    keep = [c for c in notebook["cells"] if not "".join(c["source"]).startswith("!pip")]
    if portable:  # cells that use our own package run in our kernel only
        keep = [c for c in keep if "mesale" not in "".join(c["source"])]
    notebook["cells"] = keep
    notebook["metadata"]["kernelspec"] = {"name": kernel, "display_name": kernel, "language": "python"}
    with tempfile.NamedTemporaryFile("w", suffix=".ipynb", delete=False) as file:
        json.dump(notebook, file)
    return file.name


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mesale", required=True)
    parser.add_argument("--path", required=True)
    parser.add_argument("--notebook", default="notebooks/no_grad_tr.ipynb")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows-only", action="store_true", help="do not run notebooks")
    options = parser.parse_args()
    os.environ["JUPYTER_PATH"] = os.path.abspath(options.path)
    kernels = ["mesale", "python3", "xpython"]
    kernel_rows.show(kernel_rows.measure(kernels, options.rounds), kernels)
    if not options.rows_only:
        notebooks(options)


def notebooks(options):
    mine, theirs = (without_pip(options.notebook, name, True) for name in ("mesale", "python3"))
    execute = [os.path.join(os.path.dirname(sys.executable), "jupyter-execute")]
    rows = {"mesale": {}, "python3": {}}
    for round_number in range(-1, options.rounds):  # the first round warms the file cache
        for kernel in rows:
            got = one_kernel(kernel)
            got |= whole_notebook([options.mesale, "run"], mine) if kernel == "mesale" else whole_notebook(execute, theirs)
            if round_number >= 0:
                for metric, value in got.items():
                    rows[kernel].setdefault(metric, []).append(value)
    os.unlink(mine), os.unlink(theirs)
    print("| | Meşale | ipykernel + PyTorch | ratio |\n|---|---|---|---|")
    for metric, values in rows["mesale"].items():
        a, b = statistics.median(values), statistics.median(rows["python3"][metric])
        print(f"| {metric} | {a:.1f} | {b:.1f} | {a / b:.3f} |")


if __name__ == "__main__":
    main()
