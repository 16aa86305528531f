"""What a front end asks while somebody types, side by side: round trips of completion, inspection and the like.

    python tests/bench/questions.py --path build/share/jupyter [--kernels mesale python3] [--rounds N] [--count N]

Kernels take turns. Each question is asked once and then COUNT times; times are milliseconds from sending to the reply,
seen by a client that reads its socket raw. A kernel that does not know a message is shown with a dash.
"""
import argparse
import os
import statistics
import subprocess
import time

from jupyter_client.manager import KernelManager
from kernels import connected_client, wait_reply

SETUP = "import os, sys\nclass Net:\n    def forward(self, batch, scale=1.0): pass\nnet = Net()\ntable = {'key': 1}"
COMPLETIONS = {"a name": "pri", "attributes": "os.path.jo", "a keyword": "net.forward(1, sca", "a key": "table['k", "a module": "import jso"}
QUESTIONS = {f"complete {name}": ("complete_request", {"code": code, "cursor_pos": len(code)}) for name, code in COMPLETIONS.items()}
QUESTIONS |= {
    "inspect": ("inspect_request", {"code": "print(", "cursor_pos": 6, "detail_level": 0}),
    "is_complete": ("is_complete_request", {"code": "for i in range(3):"}),
    "history, tail of 10": ("history_request", {"hist_access_type": "tail", "n": 10, "raw": True, "output": False}),
    "usage": ("usage_request", {}),
}


def ask(client, kind, content, timeout=5000):
    """Milliseconds to the reply; None without one."""
    channel = client.control_channel if kind == "usage_request" else client.shell_channel
    begin = time.perf_counter()
    client.session.send(channel.socket, client.session.msg(kind, content))
    if not channel.socket.poll(timeout):
        return None
    channel.socket.recv_multipart()
    return (time.perf_counter() - begin) * 1e3


def one_kernel(name, count):
    manager = KernelManager(kernel_name=name)
    manager.start_kernel(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    client = connected_client(manager)
    wait_reply(client, client.kernel_info())
    wait_reply(client, client.execute(SETUP))
    found = {}
    for question, (kind, content) in QUESTIONS.items():
        first = ask(client, kind, content)
        times = [ask(client, kind, content) for _ in range(count)] if first is not None else None
        found[question] = (first, times)
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    return found


def shown(values):
    return f"{statistics.median(values):.2f}" if values else "–"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--path", required=True)
    parser.add_argument("--kernels", nargs="+", default=["mesale", "python3"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--count", type=int, default=50)
    options = parser.parse_args()
    os.environ["JUPYTER_PATH"] = os.path.abspath(options.path)
    firsts, times = ({name: {question: [] for question in QUESTIONS} for name in options.kernels} for _ in range(2))
    for round_number in range(options.rounds):
        for name in options.kernels[:: 1 if round_number % 2 else -1]:
            for question, (first, later) in one_kernel(name, options.count).items():
                if first is not None:
                    firsts[name][question].append(first)
                    times[name][question] += later
    print("| ms: first, then median | " + " | ".join(options.kernels) + " |\n|---" + "|---" * len(options.kernels) + "|")
    for question in QUESTIONS:
        cells = [f"{shown(firsts[name][question])}, {shown(times[name][question])}" for name in options.kernels]
        print(f"| {question} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
