"""usage_request, compared with what psutil says."""

import os
import socket

import psutil
import pytest

from client import SLOWNESS


def usage(kernel, channel="control"):
    return kernel.ask("usage_request", channel=channel).ok().reply


def memory(pid):
    processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return sum(process.memory_full_info().pss for process in processes)


def test_the_fields_are_those_that_extensions_read(kernel):
    reply = usage(kernel)
    assert reply["hostname"] == socket.gethostname()
    assert reply["pid"] == kernel.kernel.pid and reply["cpu_count"] == psutil.cpu_count()
    assert 0 <= reply["host_cpu_percent"] <= 100 and reply["kernel_cpu"] >= 0
    known = psutil.virtual_memory()._asdict()
    host = reply["host_virtual_memory"]
    assert set(host) == set(known) and host["total"] == known["total"]
    for key in ("available", "used", "cached", "active"):
        assert host[key] == pytest.approx(known[key], rel=0.2, abs=2**28), key
    assert host["percent"] == pytest.approx(known["percent"], abs=10)


def test_memory_is_that_of_the_kernel_and_its_children(kernel):
    kernel.run("import gc; gc.collect();").ok()
    pid = kernel.kernel.pid
    assert usage(kernel)["kernel_memory"] == pytest.approx(memory(pid), rel=0.1, abs=2**20)
    kernel.run("block = bytearray(40_000_000)").ok()
    assert usage(kernel)["kernel_memory"] == pytest.approx(memory(pid), rel=0.1)
    code = (
        "import subprocess, sys\n"
        "code = 'x = bytearray(60_000_000); print(1, flush=True); import time; time.sleep(60)'\n"
        "shell = subprocess.Popen(['sh', '-c', f'{sys.executable} -c \"{code}\"; true'],\n"
        "                         stdout=subprocess.PIPE)\n"
        "shell.stdout.readline();"
    )
    kernel.run(code).ok()
    reply = usage(kernel)
    assert reply["kernel_memory"] > 100_000_000
    assert reply["kernel_memory"] == pytest.approx(memory(pid), rel=0.1)
    kernel.run("import os, signal; os.system(f'pkill -P {shell.pid}'); shell.wait();").ok()


def test_processor_time_is_that_since_the_request_before(kernel):
    code = (
        "import time\nbegin = time.process_time(), time.monotonic()\n"
        "while time.process_time() - begin[0] < 0.5: pass\n"
        "print((time.process_time() - begin[0]) / (time.monotonic() - begin[1]) * 100)"
    )
    usage(kernel)
    share = float(kernel.run(code, 60).ok().stdout)
    busy = usage(kernel)["kernel_cpu"]
    assert share * 0.5 < busy < share * 1.6 + 10
    kernel.collect(0.5)
    assert usage(kernel)["kernel_cpu"] < max(20, busy / 2)


def test_it_is_answered_while_a_cell_runs_and_on_shell_too(kernel):
    request = kernel.run_until("print('on', flush=True)\nimport time; time.sleep(1)", "on")
    assert usage(kernel)["pid"] == kernel.kernel.pid
    assert not kernel.is_done(request) or SLOWNESS > 1
    kernel.wait(request).ok()
    assert usage(kernel, "shell")["pid"] == kernel.kernel.pid


def test_the_first_answer_is_right_too(start):
    client = start().client()
    reply = usage(client)
    assert 0 <= reply["kernel_cpu"] <= 100 * (os.cpu_count() or 1) + 10
    assert reply["kernel_memory"] > 2**20
