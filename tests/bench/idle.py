"""Many idle kernels on one machine: what each further one costs once it has imported torch.

    build/venv-test/bin/python tests/bench/idle.py --mesale build/bin/mesale [--python build/venv/bin/python] [--kernels 100]

PSS counts a page that several processes share by its share; what a further kernel adds is the sum of them divided by
their number. Private memory and the largest mappings are those of one kernel of them. The processors' time and the
wake-ups (context switches that a thread asked for) are those of all threads of all kernels while nobody asks for
anything, for --seconds.
"""
import argparse
import collections
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import uuid

import zmq

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "protocol"))
import wire  # noqa: E402

PORTS = ("shell_port", "iopub_port", "stdin_port", "control_port", "hb_port")


class Kernel:
    def __init__(self, folder, program, python):
        self.file = pathlib.Path(folder) / f"{uuid.uuid4().hex}.json"
        self.key = uuid.uuid4().hex
        info = {"transport": "ipc", "ip": str(self.file.with_suffix("")), "key": self.key,
                "signature_scheme": "hmac-sha256", **{port: n + 1 for n, port in enumerate(PORTS)}}
        self.file.write_text(json.dumps(info))
        self.shell = f"ipc://{info['ip']}-{info['shell_port']}"
        command = [program, "kernel", *(["--python", python] if python else []), "-f", str(self.file)]
        env = {**os.environ, "JPY_PARENT_PID": str(os.getpid())}
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, env=env, start_new_session=True)

    def run(self, context, code):
        """Runs a cell to its reply, and hangs up."""
        with context.socket(zmq.DEALER) as socket:
            socket.connect(self.shell)
            content = {"code": code, "allow_stdin": False}
            socket.send_multipart(wire.pack(self.key, wire.header("execute_request", "bench"), content))
            if not socket.poll(60_000):
                sys.exit("a kernel does not answer")
            reply = wire.unpack(self.key, socket.recv_multipart(), "shell")
            if reply.content["status"] != "ok":
                sys.exit("\n".join(reply.content["traceback"]))

    def rollup(self):
        """/proc/PID/smaps_rollup in MiB."""
        with open(f"/proc/{self.process.pid}/smaps_rollup") as lines:
            next(lines)
            return {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines}

    def private(self):
        """Private MiB by mapping."""
        sizes, name = collections.Counter(), ""
        with open(f"/proc/{self.process.pid}/smaps") as lines:
            for line in lines:
                words = line.split()
                if "-" in words[0] and ":" not in words[0]:
                    name = os.path.basename(words[5]) if len(words) > 5 else "anonymous"
                elif words[0] in ("Private_Dirty:", "Private_Clean:"):
                    sizes[name] += int(words[1]) / 1024
        return sizes

    def threads(self):
        return os.listdir(f"/proc/{self.process.pid}/task")

    def activity(self):
        """(seconds of processor time, wake-ups) of all threads so far."""
        busy = wakeups = 0
        for thread in self.threads():
            folder = f"/proc/{self.process.pid}/task/{thread}"
            with open(f"{folder}/status") as lines:
                wakeups += sum(int(line.split()[1]) for line in lines if line.startswith("voluntary"))
            with open(f"{folder}/schedstat") as line:
                busy += int(line.read().split()[0])
        return busy / 1e9, wakeups


def measure(kernels, seconds):
    before = [kernel.activity() for kernel in kernels]
    time.sleep(seconds)
    after = [kernel.activity() for kernel in kernels]
    return [((b[0] - a[0]) / seconds, (b[1] - a[1]) / seconds) for a, b in zip(before, after)]


def report(kernels, seconds):
    memory = [kernel.rollup() for kernel in kernels]
    count = len(kernels)
    print(f"{count} idle kernels, mean of each:")
    for title, keys in (("PSS", ["Pss"]), ("RSS", ["Rss"]), ("private", ["Private_Clean", "Private_Dirty"])):
        print(f"  {title:8} {sum(m[k] for m in memory for k in keys) / count:7.1f} MiB")
    print(f"  threads  {statistics.mean(len(k.threads()) for k in kernels):7.1f}")
    for name, size in kernels[-1].private().most_common(6):
        print(f"    private in {name:28} {size:6.2f} MiB")
    activity = measure(kernels, seconds)
    print(f"  processor {100 * statistics.mean(cpu for cpu, _ in activity):8.4f} %")
    print(f"  wake-ups  {statistics.mean(wakeups for _, wakeups in activity):8.2f} a second")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mesale", required=True)
    parser.add_argument("--python")
    parser.add_argument("--kernels", type=int, default=100)
    parser.add_argument("--code", default="import torch", help="what each has run")
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    kernels, context = [], zmq.Context()
    with tempfile.TemporaryDirectory() as folder:
        try:
            for _ in range(options.kernels):
                kernels.append(Kernel(folder, options.mesale, options.python))
                kernels[-1].run(context, options.code)
            time.sleep(1)
            report(kernels, options.seconds)
        finally:
            for kernel in kernels:
                kernel.process.kill()
                kernel.process.wait()


if __name__ == "__main__":
    main()
