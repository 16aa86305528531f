"""Text: exact, complete, in the program's order, whoever writes it and however."""

import re
import time

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from client import SLOWNESS

FIVE_LINES = """
    print('one', i)
    sys.stderr.write(f'two {i}\\n')
    print('three', i)
    os.system(f'echo four {i}')
    print('five', i)
"""


def expected_runs(count):
    """What the five lines print for i < count, neighbours of one stream joined."""
    runs = [("stdout", "one 0\n")]
    for i in range(count):
        runs.append(("stderr", f"two {i}\n"))
        behind = f"one {i + 1}\n" if i + 1 < count else ""
        runs.append(("stdout", f"three {i}\nfour {i}\nfive {i}\n{behind}"))
    return runs


def test_five_lines_keep_their_order_a_thousand_times_in_one_cell(kernel):
    outcome = kernel.run("import os, sys\nfor i in range(1000):" + FIVE_LINES, 60).ok()
    runs, wanted = outcome.runs, expected_runs(1000)
    for at, (got, want) in enumerate(zip(runs, wanted)):
        assert got == want, f"run {at} of {len(runs)}"
    assert len(runs) == len(wanted)


def test_five_lines_keep_their_order_in_cells_of_their_own(kernel):
    for i in range(200):
        code = f"import os, sys\nfor i in [{i}]:" + FIVE_LINES
        assert kernel.run(code).ok().runs == [
            ("stdout", f"one {i}\n"),
            ("stderr", f"two {i}\n"),
            ("stdout", f"three {i}\nfour {i}\nfive {i}\n"),
        ]


def test_displays_and_results_keep_their_place_in_the_text(kernel):
    code = """
import os, sys
from IPython.display import display
for i in range(50):
    print('a', i)
    display(i)
    os.system(f'echo b {i}; echo c {i} >&2')
    display(-i)
    print('d', i, file=sys.stderr)
'end'
"""
    outcome = kernel.run(code).ok()
    seen = []
    for message in outcome.iopub[2:-1]:
        content = message.content
        if message.type == "stream":
            seen.extend(line.split()[0] for line in content["text"].splitlines())
        else:
            seen.append("display" if message.type == "display_data" else "result")
    assert len(seen) == 301 and seen[-1] == "result"
    for at in range(0, 300, 6):
        group = seen[at : at + 6]
        assert group[:2] == ["a", "display"] and group[4:] == ["display", "d"], (at, group)
        assert sorted(group[2:4]) == ["b", "c"], (at, group)


WRITERS = {
    "print": ("stdout", "print({text!r}, end='')"),
    "flushed": ("stdout", "print({text!r}, end='', flush=True)"),
    "buffer": ("stdout", "sys.stdout.buffer.write({text!r}.encode()); sys.stdout.buffer.flush()"),
    "descriptor": ("stdout", "os.write(1, {text!r}.encode())"),
    "error": ("stderr", "sys.stderr.write({text!r})"),
    "error descriptor": ("stderr", "os.write(2, {text!r}.encode())"),
    "display": ("display", "display({text!r})"),
    "clear": ("clear", "clear_output()"),
    "pause": (None, "time.sleep(0.012)"),
}


def without_races(steps):
    """Leave out what has no order: raw writes to both descriptors with nothing of Python between."""
    kept, raw = [], None
    for writer, text in steps:
        if writer.endswith("descriptor"):
            if raw not in (None, writer):
                continue
            raw = writer
        elif writer != "pause":
            raw = None
        kept.append((writer, text))
    return kept


def program(steps):
    """The cell that takes the steps, and the outputs it must have."""
    lines = ["import os, sys, time", "from IPython.display import clear_output, display"]
    wanted = []
    for writer, text in steps:
        where, line = WRITERS[writer]
        lines.append(line.format(text=text))
        if where in ("stdout", "stderr") and wanted and wanted[-1][0] == where:
            wanted[-1] = (where, wanted[-1][1] + text)
        elif where is not None:
            shows = {"display": repr(text), "clear": ""}.get(where, text)
            wanted.append((where, shows))
    return "\n".join(lines) + ";", wanted


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(WRITERS)),
            st.text(st.sampled_from("aş\n\r\U0001f525"), min_size=1),
        ),
        max_size=30,
    )
)
def test_any_mixture_of_writers_keeps_its_order(kernel, steps):
    code, wanted = program(without_races(steps))
    assert shown(kernel.run(code).ok()) == wanted


def shown(outcome):
    """All outputs as [(kind, text)], neighbours of one stream joined."""
    seen = []
    for message in outcome.iopub:
        content = message.content
        if message.type == "stream":
            if seen and seen[-1][0] == content["name"]:
                seen[-1] = (content["name"], seen[-1][1] + content["text"])
            else:
                seen.append((content["name"], content["text"]))
        elif message.type == "display_data":
            seen.append(("display", content["data"]["text/plain"]))
        elif message.type == "clear_output":
            seen.append(("clear", ""))
    return seen


def test_stderr_of_a_child_comes_before_what_python_writes_next(kernel):
    code = (
        "import os, sys\nfor i in range(100):\n    os.system(f'echo child {i} >&2')\n"
        "    print('parent', i)"
    )
    runs = kernel.run(code).ok().runs
    wanted = [
        run for i in range(100) for run in (("stderr", f"child {i}\n"), ("stdout", f"parent {i}\n"))
    ]
    assert runs == wanted


def test_twenty_thousand_prints_are_complete_and_few_messages(kernel):
    begin = time.monotonic()
    outcome = kernel.run("for i in range(20000): print(i, 'satır')").ok()
    seconds = time.monotonic() - begin
    assert outcome.stdout == "".join(f"{i} satır\n" for i in range(20000))
    assert outcome.types.count("stream") <= 60
    assert seconds < 2 * SLOWNESS


def test_flushed_prints_are_coalesced_too(kernel):
    begin = time.monotonic()
    outcome = kernel.run("for i in range(20000): print(i, flush=True)").ok()
    assert outcome.stdout == "".join(f"{i}\n" for i in range(20000))
    assert outcome.types.count("stream") <= 1000
    assert time.monotonic() - begin < 3 * SLOWNESS


def test_a_flush_is_seen_while_the_cell_runs(kernel):
    request = kernel.run_until(
        "import time\nprint('now', end='', flush=True)\ntime.sleep(0.5)", "now"
    )
    assert not kernel.is_done(request)
    kernel.wait(request).ok()


def test_text_without_a_flush_is_seen_within_a_moment(kernel):
    request = kernel.run_until("import time\nprint('soon')\ntime.sleep(1)", "soon")
    assert not kernel.is_done(request)
    kernel.wait(request).ok()


def test_fifty_megabytes_in_one_print_arrive_whole(kernel):
    begin = time.monotonic()
    outcome = kernel.run("print('0123456789' * 5_000_000)", 30).ok()
    assert time.monotonic() - begin < 10 * SLOWNESS
    assert outcome.stdout == "0123456789" * 5_000_000 + "\n"


def test_big_text_is_cut_at_characters_only(kernel):
    outcome = kernel.run(
        "text = 'aış\U0001f525' * 100_000\nprint(text)\nimport sys\nprint(text, file=sys.stderr)"
    ).ok()
    assert outcome.stdout == outcome.stderr == "aış\U0001f525" * 100_000 + "\n"
    code = "import subprocess\nsubprocess.run(['sh', '-c', 'cat text.txt'])"
    kernel.run("open('text.txt', 'w').write('aış\U0001f525' * 100_000);").ok()
    assert kernel.run(code + ";").ok().stdout == "aış\U0001f525" * 100_000


def test_bytes_of_one_character_may_come_apart(kernel):
    code = (
        "import os, time\nfor byte in 'ş\U0001f525é'.encode():\n"
        "    os.write(1, bytes([byte])); time.sleep(0.02)"
    )
    assert kernel.run(code).ok().stdout == "ş\U0001f525é"


def test_bytes_that_are_not_text_are_replaced(kernel):
    code = r"import os; os.write(1, b'a\xff\xfeb\n'); os.write(2, b'\xc5'); print('c')"
    outcome = kernel.run(code + ";").ok()
    assert outcome.stdout.replace("\ufffd", "") == "ab\nc\n" and "\ufffd" in outcome.stdout
    assert outcome.stderr == "\ufffd"


def test_descriptors_of_children_and_of_c_are_captured(kernel):
    code = "import subprocess\nsubprocess.run(['sh', '-c', 'echo out; echo err >&2']).returncode"
    outcome = kernel.run(code).ok()
    assert (outcome.stdout, outcome.stderr, outcome.result) == ("out\n", "err\n", "0")
    code = (
        "import ctypes\nlibc = ctypes.CDLL(None)\nprint('a')\n"
        "libc.printf(b'%s %d\\n', b'from C', 5)\n"
        "libc.fflush(None)\nprint('b')"
    )
    assert kernel.run(code).ok().stdout == "a\nfrom C 5\nb\n"


def test_c_text_needs_no_flush(kernel):
    code = (
        "import ctypes\nlibc = ctypes.CDLL(None)\nfor i in range(50):\n"
        "    print('py', i)\n    libc.printf(b'c %d\\n', i)"
    )
    assert kernel.run(code + ";").ok().stdout == "".join(f"py {i}\nc {i}\n" for i in range(50))


def test_c_text_written_with_the_interpreter_held_does_not_block(kernel):
    code = (
        "import ctypes\nheld = ctypes.PyDLL(None)\nheld.printf(b'%s', b'x' * 300_000)\n"
        "held.fflush(None);"
    )
    assert kernel.run(code, 10).ok().stdout == "x" * 300_000
    code = (
        "import ctypes\nheld = ctypes.PyDLL(None)\n"
        "for i in range(30): held.dprintf(2, b'%s', b'y' * 100_000)"
    )
    assert kernel.run(code, 10).ok().stderr == "y" * 3_000_000


def test_a_forked_child_writes_to_the_notebook(kernel):
    code = """
import os
print('before')
pid = os.fork()
if pid == 0:
    print('from the child', flush=True)
    os.write(1, b'directly\\n')
    os._exit(0)
os.waitpid(pid, 0)
print('after')
"""
    assert kernel.run(code).ok().stdout == "before\nfrom the child\ndirectly\nafter\n"


def test_a_daemon_child_does_not_hold_the_cell(kernel):
    code = (
        "import subprocess\n"
        "p = subprocess.Popen(['sh', '-c', 'sleep 1; echo late; sleep 20'], start_new_session=True)"
    )
    begin = time.monotonic()
    outcome = kernel.run(code).ok()
    kernel.late.add(outcome.request["msg_id"])
    assert time.monotonic() - begin < 0.8 * SLOWNESS
    seen = lambda: [
        m
        for filed in kernel.filed.values()
        for m in filed
        if m.type == "stream" and "late" in m.content["text"]
    ]
    kernel.wait_for(seen, 5, "the daemon's text")
    assert seen()[0].parent.get("msg_type") == "execute_request"
    kernel.run("p.kill(); p.wait();").ok()


def test_threads_write_to_the_cell_that_runs(kernel):
    code = """
import threading
def work(n):
    for i in range(100): print(f'<{n}:{i}>')
threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
for t in threads: t.start()
for t in threads: t.join()
"""
    text = kernel.run(code).ok().stdout
    for n in range(8):
        assert re.findall(rf"<{n}:(\d+)>", text) == [str(i) for i in range(100)]


def test_a_thread_that_outlives_its_cell_is_heard(kernel):
    outcome = kernel.run(
        "import threading, time\ndef later():\n    time.sleep(0.3); print('heard')\n"
        "t = threading.Thread(target=later); t.start()"
    ).ok()
    kernel.late.add(outcome.request["msg_id"])
    kernel.wait_for(
        lambda: any(
            m.type == "stream" and "heard" in m.content["text"]
            for filed in kernel.filed.values()
            for m in filed
        ),
        5,
        "the thread's text",
    )
    assert kernel.filed[None][-1].type != "stream", "text without a parent is dropped by front ends"


def test_a_thread_that_fails_is_told_on_stderr(kernel):
    outcome = kernel.run(
        "import threading\nt = threading.Thread(target=lambda: 1/0); t.start(); t.join()"
    ).ok()
    assert "ZeroDivisionError" in outcome.stderr


def test_a_background_writer_and_many_cells_lose_nothing(kernel):
    kernel.run(
        "import threading, time\ngo = True\ncount = 0\ndef chatter():\n"
        "    global count\n    while go:\n"
        "        print(f'[{count}]'); count += 1; time.sleep(0.0005)\n"
        "t = threading.Thread(target=chatter); t.start()"
    ).ok()
    requests = [kernel.start(f"print('cell {i}')") for i in range(100)]
    for request in requests:
        kernel.wait_for(lambda r=request: kernel.is_done(r), 10, "the cell's end")
    last = kernel.start("go = False; t.join(); print('stopped', count)")
    kernel.wait_for(lambda: kernel.is_done(last), 10, "the last cell's end")
    kernel.late.update(kernel.sent)
    streams = [m for one in kernel.sent for m in kernel.filed[one] if m.type == "stream"]
    text = "".join(m.content["text"] for m in streams)
    count = int(re.search(r"stopped (\d+)", text)[1])
    assert sorted(map(int, re.findall(r"\[(\d+)\]", text))) == list(range(count))
    assert all(f"cell {i}\n" in text for i in range(100))


def test_the_stream_objects_are_whole_text_files(kernel):
    code = """
import sys, io, faulthandler
for name, fd in (('stdout', 1), ('stderr', 2)):
    stream = getattr(sys, name)
    assert stream.fileno() == fd, stream.fileno()
    assert stream.encoding.lower().replace('-', '') == 'utf8'
    assert isinstance(stream.errors, str)
    assert stream.isatty() is False and stream.writable() and not stream.closed
    assert stream.write('abc') == 3
    stream.writelines(['x\\n', 'y\\n'])
    stream.flush()
    stream.reconfigure(line_buffering=True)
    assert stream.buffer.write('ş'.encode()) == 2
    stream.buffer.flush()
    stream.write('z\\n')
faulthandler.enable()
faulthandler.disable()
"""
    outcome = kernel.run(code).ok()
    assert outcome.stdout == outcome.stderr == "abcx\ny\nşz\n"


def test_buffer_and_text_keep_their_order(kernel):
    code = (
        "import sys\nfor i in range(100):\n    print('text', i)\n"
        "    sys.stdout.buffer.write(b'bytes %d\\n' % i)\n"
        "    sys.stdout.buffer.flush()"
    )
    assert kernel.run(code).ok().stdout == "".join(f"text {i}\nbytes {i}\n" for i in range(100))


def test_surrogates_are_replaced(kernel):
    outcome = kernel.run("print('a\\ud800b')\nimport sys\nprint('\\udc80', file=sys.stderr)").ok()
    assert (
        outcome.stdout.startswith("a")
        and outcome.stdout.endswith("b\n")
        and "\ud800" not in outcome.stdout
    )
    assert outcome.stderr.endswith("\n") and "\udc80" not in outcome.stderr


def test_only_text_can_be_written(kernel):
    kernel.run("import sys; sys.stdout.write(5)").failed("TypeError")
    kernel.run("import sys; sys.stdout.write(b'x')").failed("TypeError")


def test_redirection_and_logging_work(kernel):
    code = (
        "import contextlib, io\n"
        "with contextlib.redirect_stdout(io.StringIO()) as f: print('caught')\nf.getvalue()"
    )
    outcome = kernel.run(code).ok()
    assert outcome.stdout == "" and outcome.result == r"'caught\n'"
    assert (
        kernel.run("import logging\nlogging.warning('uyarı')").ok().stderr == "WARNING:root:uyarı\n"
    )
    code = "import sys\nprint('real', file=sys.__stdout__, flush=True)"
    assert kernel.run(code).ok().stdout == "real\n"


def test_warnings_come_on_stderr_with_their_cell(kernel):
    assert (
        "UserWarning: dikkat" in kernel.run("import warnings\nwarnings.warn('dikkat')").ok().stderr
    )


def test_carriage_returns_and_escapes_are_kept(kernel):
    code = "import sys\nfor i in range(5): sys.stdout.write(f'\\r{i} \\x1b[1mbold\\x1b[0m')"
    assert kernel.run(code).ok().stdout == "".join(f"\r{i} \x1b[1mbold\x1b[0m" for i in range(5))


def test_a_client_that_does_not_read_holds_nobody_up_for_long(start):
    process = start()
    reader, sleeper = process.client(), process.client()
    sleeper.sockets["iopub"].rcvhwm = 10
    outcome = reader.run("for i in range(40): print(str(i) * 100_000)", 30).ok()
    assert outcome.stdout == "".join(str(i) * 100_000 + "\n" for i in range(40))
