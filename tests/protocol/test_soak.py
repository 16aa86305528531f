"""Many cells in one kernel: what stays behind in memory."""

import gc
import subprocess
import sys

import pytest

# what a cell may do: text, a result, a display, an error that is caught, a child's text, an await
CELLS = [
    "print('repeated text')",
    "6 * 7",
    "display('shown')",
    "try: 1 / 0\nexcept ZeroDivisionError: pass",
    "x = [i for i in range(100)]\nx[-1]",
    "import asyncio; await asyncio.sleep(0)",
    "import os; os.write(1, b'direct\\n');",
    "import sys; print('error text', file=sys.stderr)",
]

# the same cells in IPython's shell without a kernel around it: what it keeps is its own
PLAIN = """
import io, os, sys
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
config = Config()
config.HistoryManager.enabled = False
shell = InteractiveShell.instance(config=config)
shell.colors = 'nocolor'
cells, warm, count = eval(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
def rss():
    return int(open('/proc/self/statm').read().split()[1]) * os.sysconf('SC_PAGE_SIZE')
def run(number):
    for i in range(number):
        shell.run_cell(cells[i % len(cells)], store_history=True)
real, sys.stdout, sys.stderr = sys.stdout, io.StringIO(), io.StringIO()
os.dup2(os.open('/dev/null', os.O_WRONLY), 1)
def clear():
    sys.stdout.seek(0), sys.stdout.truncate(), sys.stderr.seek(0), sys.stderr.truncate()
for _ in range(warm // 100): run(100), clear()
before = rss()
for _ in range(count // 100): run(100), clear()
os.write(int(sys.argv[4]), str((rss() - before) / count).encode())
"""

# bytes that malloc() has given out, of all threads' arenas: Python's small objects are not among them
HEAP = """
import ctypes, gc, re
_libc = ctypes.CDLL(None)
_libc.open_memstream.restype = ctypes.c_void_p
def heap():
    gc.collect()
    text, size = ctypes.c_char_p(), ctypes.c_size_t()
    file = ctypes.c_void_p(_libc.open_memstream(ctypes.byref(text), ctypes.byref(size)))
    _libc.malloc_info(0, file)
    _libc.fclose(file)
    total = text.value.decode().rpartition('</heap>')[2]
    _libc.free(text)
    size = {kind: int(n) for kind, n in re.findall(r'type="(\\w+)"(?: count="\\d+")? size="(\\d+)"', total)}
    return size['current'] - size['fast'] - size['rest'] + size['mmap']
"""


def rss(kernel):
    with open(f"/proc/{kernel.kernel.pid}/statm") as file:
        return int(file.read().split()[1]) * 4096


def run_many(kernel, count, **content):
    """Cells in flocks, so that the kernel and not the client sets the pace."""
    for begin in range(0, count, 100):
        requests = [
            kernel.start(CELLS[i % len(CELLS)], **content) for i in range(begin, begin + 100)
        ]
        for request in requests:
            kernel.wait(request, 60).ok()
        kernel.forget()
        kernel.filed.clear()


def fill_memory_of_signatures(kernel):
    """The last 65,536 are remembered, which takes a MiB as they come: no leak, and done with now."""
    for _ in range(700):
        for request in [kernel.send("kernel_info_request") for _ in range(100)]:
            kernel.wait(request, 60)
        kernel.forget()
        kernel.filed.clear()


def heap(kernel):
    return int(kernel.run("heap()", store_history=False).ok().result)


def check_without_history(kernel, warm, count, limit):
    kernel.run(HEAP, store_history=False).ok()
    run_many(kernel, warm, store_history=False)
    used, resident = heap(kernel), rss(kernel)
    run_many(kernel, count, store_history=False)
    heap_growth, growth = heap(kernel) - used, rss(kernel) - resident
    print(f"{count} cells: RSS grew {growth / 1024:.0f} KiB, the heap {heap_growth / 1024:.0f} KiB")
    assert growth < limit
    # malloc() keeps some freed pieces for each thread, which look used; more than those is a leak
    assert heap_growth < 256 * 1024


def plain_growth(warm, count):
    """Bytes a cell that IPython's shell grows by itself."""
    import os

    read, write = os.pipe()
    done = subprocess.run(
        [sys.executable, "-c", PLAIN, repr(CELLS), str(warm), str(count), str(write)],
        pass_fds=[write],
        stdin=subprocess.DEVNULL,
        check=True,
        capture_output=True,
    )
    os.close(write)
    assert done.returncode == 0
    with os.fdopen(read) as file:
        return float(file.read())


def history_growth(kernel, warm, count):
    run_many(kernel, warm)
    before = rss(kernel)
    run_many(kernel, count)
    return (rss(kernel) - before) / count


def test_two_thousand_cells_leave_nothing_behind(kernel):
    check_without_history(kernel, 1000, 2000, 1024 * 1024)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_hundred_thousand_cells_leave_nothing_behind(start):
    kernel = start().client()
    gc.freeze()
    fill_memory_of_signatures(kernel)
    check_without_history(kernel, 2000, 100_000, 1024 * 1024)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_history_grows_as_ipythons_does(start):
    kernel = start().client()
    ours, plain = history_growth(kernel, 2000, 20_000), plain_growth(2000, 20_000)
    print(f"bytes a cell: ours {ours:.0f}, IPython's shell {plain:.0f}")
    assert ours <= 1.1 * plain
