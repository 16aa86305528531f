"""History requests, and the file that the cells of earlier sessions come from."""

import json
import os
import stat
import subprocess
import time

import pytest

from client import SLOWNESS


def ask(client, kind, **content):
    reply = client.ask(
        "history_request", {"raw": True, "output": False, "hist_access_type": kind, **content}
    ).reply
    assert reply["status"] == "ok", reply
    return reply["history"]


def texts(entries):
    return [entry[2] for entry in entries]


def cells(client, *codes):
    for code in codes:
        client.run(code, stop_on_error=False)


@pytest.fixture
def fresh(start):
    """A client of a fresh kernel whose history is empty."""
    kernel = start(env={"XDG_STATE_HOME": "/dev/null/none"})
    return kernel.client()


def test_tail_gives_the_latest_cells_oldest_first(fresh):
    cells(fresh, "1", "2", "3", "4")
    entries = ask(fresh, "tail", n=3)
    assert texts(entries) == ["2", "3", "4"] and [e[1] for e in entries] == [2, 3, 4]
    assert len({e[0] for e in entries}) == 1 and entries[0][0] > 0
    assert texts(ask(fresh, "tail", n=0)) == [] and texts(ask(fresh, "tail", n=-5)) == []
    assert len(ask(fresh, "tail")) == 4 and len(ask(fresh, "tail", n=10**9)) == 4


def test_raw_and_output(fresh):
    cells(fresh, "x = 5\nx + 1\n", "%who_ls int", "pass", "'ş'", "1/0")
    entries = ask(fresh, "tail", n=5, output=True)
    assert texts(entries)[0] == ["x = 5\nx + 1", "6"] and texts(entries)[2] == ["pass", None]
    assert texts(entries)[1][0] == "%who_ls int" and texts(entries)[3] == ["'ş'", "'ş'"]
    assert texts(entries)[4] == ["1/0", None]
    assert "run_line_magic" in ask(fresh, "tail", n=4, raw=False)[0][2]


def test_ranges(fresh):
    cells(fresh, "'a'", "'b'", "'c'", "'d'")
    session = ask(fresh, "tail", n=1)[0][0]
    for number in (0, session):
        given = {"session": number}
        assert texts(ask(fresh, "range", **given, start=2, stop=4)) == ["'b'", "'c'"]
        assert texts(ask(fresh, "range", **given, start=3)) == ["'c'", "'d'"]
        assert texts(ask(fresh, "range", **given, start=0, stop=2)) == ["'a'"]
        assert texts(ask(fresh, "range", **given, start=-1)) == ["'d'"]
        assert ask(fresh, "range", **given, start=1, stop=2) == [[session, 1, "'a'"]]
        assert ask(fresh, "range", **given, start=9, stop=12) == []
    assert len(ask(fresh, "range")) == 4
    assert ask(fresh, "range", session=-1) == ask(fresh, "range", session=12345) == []


def test_search(fresh):
    cells(fresh, "1 + 2", "1 + 3", "1 + 2", "[4]", "x = '*'")
    assert texts(ask(fresh, "search", pattern="1*")) == ["1 + 2", "1 + 3", "1 + 2"]
    assert texts(ask(fresh, "search", pattern="1 + ?", n=2)) == ["1 + 3", "1 + 2"]
    assert texts(ask(fresh, "search", pattern="1*", unique=True)) == ["1 + 3", "1 + 2"]
    assert texts(ask(fresh, "search", pattern="1*", unique=True, n=1)) == ["1 + 2"]
    assert texts(ask(fresh, "search", pattern="[[]4]")) == ["[4]"]
    assert texts(ask(fresh, "search", pattern="1 + [^2]")) == ["1 + 3"]
    assert texts(ask(fresh, "search", pattern="X*")) == []
    assert len(ask(fresh, "search")) == 5


def test_what_is_not_kept(fresh):
    cells(fresh, "'kept'", "")
    fresh.run("'dropped'", store_history=False).ok()
    fresh.run("'quiet'", silent=True).ok()
    assert texts(ask(fresh, "tail", n=9)) == ["'kept'"]


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"hist_access_type": "other"},
        {"hist_access_type": None},
        {"hist_access_type": ["tail"]},
    ],
)
def test_an_unknown_kind_is_an_error(kernel, content):
    assert kernel.ask("history_request", content).status == "error"


@pytest.mark.parametrize(
    "content",
    [
        {"hist_access_type": "tail", "n": "3", "raw": 7, "output": "yes"},
        {"hist_access_type": "tail", "n": 2**60},
        {"hist_access_type": "range", "session": None, "start": None, "stop": []},
        {"hist_access_type": "range", "session": -(2**40), "start": -(2**60), "stop": 2**60},
        {"hist_access_type": "search", "pattern": 5, "n": -3, "unique": 1},
        {"hist_access_type": "search", "pattern": "[[[[", "n": None},
    ],
)
def test_members_of_other_kinds_are_taken_as_missing(kernel, content):
    assert kernel.ask("history_request", content).status == "ok"


def test_ipythons_own_names_and_magics_go_on(fresh):
    cells(fresh, "'one'", "'two'")
    assert fresh.run("(_i, _ii, In[1], _i2)").ok().result == (
        '''("'two'", "'one'", "'one'", "'two'")'''
    )
    assert fresh.run("%history -n 1-2").ok().stdout == "   1: 'one'\n   2: 'two'\n"
    assert fresh.run("%history -o 1-2").ok().stdout == "'one'\n'one'\n'two'\n'two'\n"
    assert "'one'" in fresh.run("%history -g *one*").ok().stdout
    payload = fresh.run("%recall 2").ok().reply["payload"]
    assert payload[0]["text"] == "'two'"
    assert fresh.run("%rerun 1").ok().result == "'one'"


# --- the file -------------------------------------------------------------------------------------


@pytest.fixture
def session(start, tmp_path):
    """session(*codes): runs the cells in a kernel of its own; a client of the next one."""

    def make(*codes, **env):
        kernel = start(env={"XDG_STATE_HOME": str(tmp_path), **env})
        client = kernel.client()
        cells(client, *codes)
        return client

    yield make


def end(client):
    client.ask("shutdown_request", {"restart": False}, channel="control")
    assert client.kernel.exit_within(10) == 0


def history_file(tmp_path):
    return tmp_path / "mesale" / "history.jsonl"


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_next_session_finds_the_cells_of_the_last(session, tmp_path):
    end(session("'first'", "%who_ls ağaç"))
    end(session("'second'"))
    client = session("'third'")
    assert texts(ask(client, "tail", n=9)) == ["'first'", "%who_ls ağaç", "'second'", "'third'"]
    assert texts(ask(client, "range", session=-1)) == ["'second'"]
    assert texts(ask(client, "range", session=-2, start=2, output=True)) == [["%who_ls ağaç", None]]
    assert "run_line_magic" in ask(client, "range", session=-2, raw=False)[1][2]
    assert ask(client, "range", session=-3) == []
    assert texts(ask(client, "search", pattern="*ir*", n=1)) == ["'third'"]
    assert "'first'" in client.run("%history -g *irst*").ok().stdout
    assert client.run("%history ~1/1").ok().stdout == "'second'\n"
    mode = history_file(tmp_path).stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_a_cell_is_written_before_it_crashes_the_kernel(session, tmp_path):
    client = session("'before'")
    client.start("import time; time.sleep(0.5)\nimport os, signal; os.kill(os.getpid(), 9)")
    client.kernel.exit_within(10)
    assert [line["line"] for line in lines(history_file(tmp_path))] == [1, 2]


def test_kernels_side_by_side_keep_every_line(session, tmp_path):
    clients = [session() for _ in range(3)]
    for number in range(40):
        requests = [client.start(f"{number}") for client in clients]
        for client, request in zip(clients, requests):
            client.wait(request)
    seen = ask(clients[0], "search", pattern="*")
    assert len({entry[0] for entry in seen}) == 3
    for client in clients:
        end(client)
    found = lines(history_file(tmp_path))
    assert len(found) == 120 and len({(e["session"], e["line"]) for e in found}) == 120


def test_lines_of_another_kernel_are_found_later_too(session):
    first, second = session("'a'"), session("'b'")
    assert len(ask(first, "tail", n=9)) >= 1
    end(second)
    assert sorted(texts(ask(first, "tail", n=9))) == ["'a'", "'b'"]


def test_corrupt_lines_are_skipped(session, tmp_path):
    end(session("'good'"))
    path = history_file(tmp_path)
    good = path.read_bytes()
    path.write_bytes(
        b'{"session": 1}\n\x00\xff\xfe\n[1, 2\n"text"\n' + b"[" * 5000 + b"\n"
        b'{"session":"x","line":1,"input":"no"}\n' + good + good[: len(good) // 2]
    )
    end(session("'more'"))
    assert texts(ask(session(), "tail", n=9)) == ["'good'", "'more'"]


def test_the_file_is_bounded(session, tmp_path):
    path = history_file(tmp_path)
    path.parent.mkdir()
    old = path.with_name("history-1.jsonl")
    old.write_text('{"session":1,"line":1,"input":"oldest"}\n')
    line = '{"session":2,"line":%d,"input":"' + "x" * 1000 + '"}\n'
    path.write_text("".join(line % number for number in range(1, 2200)))
    end(session("'new'"))
    assert not path.exists() and "oldest" not in old.read_text()
    end(session("'newer'"))
    assert [entry["input"] for entry in lines(path)] == ["'newer'"]
    client = session()
    # a reply does not wait long for the disk: what is read later is in the next one
    client.wait_for(lambda: len(ask(client, "search", pattern="xxx*")) == 2199, 10, "all lines")
    assert texts(ask(client, "tail", n=2)) == ["'new'", "'newer'"]


def test_a_huge_cell_is_not_written_down(session, tmp_path):
    end(session("x = '" + "y" * 300_000 + "'", "'small'"))
    assert [entry["input"] for entry in lines(history_file(tmp_path))] == ["'small'"]


@pytest.mark.parametrize("line", ["enabled = False", "hist_file = ':memory:'"])
def test_who_wants_no_history_has_none_in_a_file(session, tmp_path, line):
    folder = tmp_path / "profile_default"
    folder.mkdir()
    (folder / "ipython_config.py").write_text(f"c = get_config()\nc.HistoryManager.{line}\n")
    client = session("'secret'", IPYTHONDIR=str(tmp_path))
    assert texts(ask(client, "tail", n=9)) == ["'secret'"]
    end(client)
    assert not history_file(tmp_path).exists()


def locked(folder):
    """A file that somebody holds a lock on."""
    import fcntl

    history_file(folder).parent.mkdir()
    held = open(history_file(folder), "a")
    fcntl.flock(held, fcntl.LOCK_EX)
    fcntl.lockf(held, fcntl.LOCK_EX)
    return held


def pipe(folder):
    """Opening it waits for a reader that never comes."""
    history_file(folder).parent.mkdir()
    os.mkfifo(history_file(folder))


def folder_of_that_name(folder):
    history_file(folder).mkdir(parents=True)


def file_in_the_way(folder):
    (folder / "mesale").write_text("not a folder")


def read_only(folder):
    (folder / "mesale").mkdir()
    (folder / "mesale").chmod(0o500)


def nothing(folder):
    """For comparison: all is well."""


PLACES = [nothing, locked, pipe, folder_of_that_name, file_in_the_way, read_only]


@pytest.mark.parametrize("spoil", PLACES)
def test_a_bad_place_costs_no_time(session, tmp_path, spoil):
    held = spoil(tmp_path)
    begin = time.monotonic()
    client = session("'a'", "'b'")
    assert time.monotonic() - begin < 5 * SLOWNESS
    assert texts(ask(client, "tail", n=2)) == ["'a'", "'b'"]
    begin = time.monotonic()
    assert texts(ask(client, "search", pattern="*")) == ["'a'", "'b'"]
    assert time.monotonic() - begin < 2 * SLOWNESS
    end(client)
    del held


HANGING = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
int open(const char *path, int flags, ...)
{
    while (strstr(path, "history"))
        pause();
    return ((int (*)(const char *, int, int))dlsym(RTLD_NEXT, "open"))(path, flags, 0600);
}
"""


def test_a_disk_that_hangs_holds_up_nothing(session, tmp_path):
    (tmp_path / "hang.c").write_text(HANGING)
    library = tmp_path / "hang.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, tmp_path / "hang.c"], check=True)
    client = session("'a'", "'b'", LD_PRELOAD=str(library))
    begin = time.monotonic()
    assert texts(ask(client, "search", pattern="*")) == ["'a'", "'b'"]
    assert client.run("'c'").ok().result == "'c'"
    assert time.monotonic() - begin < 2 * SLOWNESS
    end(client)
    assert not history_file(tmp_path).exists()


def test_the_thread_that_writes_goes_again(session):
    client = session("1", "2")

    def threads():
        return len(os.listdir(f"/proc/{client.kernel.pid}/task"))

    client.wait_for(lambda: threads() <= 6, 10, "end of the writing thread")


def test_a_forked_child_keeps_nothing(session, tmp_path):
    client = session()
    client.run("import os\npid = os.fork()\nif pid: os.waitpid(pid, 0)").ok()
    client.run("'after'").ok()
    end(client)
    assert [entry["line"] for entry in lines(history_file(tmp_path))] == [1, 2]


def test_a_subshell_has_a_session_of_its_own(session, tmp_path):
    client = session("'main'")
    answer = client.ask("create_subshell_request", channel="control").ok().reply
    fields = {"fields": {"subshell_id": answer["subshell_id"]}}
    content = {"code": "x = 'begin'\nmain = n = 1\nmain", "allow_stdin": False}
    assert client.ask("execute_request", content, **fields).ok().result == "1"
    question = {"hist_access_type": "range", "session": 0, "raw": True, "output": True}
    (mine,) = client.ask("history_request", question, **fields).ok().reply["history"]
    assert mine[1:] == [1, [content["code"], "1"]]
    tail = ask(client, "tail", n=2, output=True)
    assert sorted(text for text, _ in texts(tail)) == ["'main'", content["code"]]
    assert tail[0][0] != tail[1][0]
    end(client)
    assert sorted(e["input"] for e in lines(history_file(tmp_path))) == ["'main'", content["code"]]
