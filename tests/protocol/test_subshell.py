"""Subshells: threads of the kernel that run cells beside the main shell, over one namespace."""

import time

import pytest

from client import SLOWNESS

BUSY = "import time\nprint('busy', flush=True)\nwhile not globals().get('go'): time.sleep(0.01)"


def create(client):
    reply = client.ask("create_subshell_request", channel="control").reply
    assert reply["status"] == "ok"
    return reply["subshell_id"]


def listed(client):
    return client.ask("list_subshell_request", channel="control").reply["subshell_id"]


@pytest.fixture
def subshell(kernel):
    one = create(kernel)
    yield one
    kernel.ask("delete_subshell_request", {"subshell_id": one}, "control")


def test_they_are_created_listed_and_deleted(kernel):
    assert listed(kernel) == []
    ids = [create(kernel) for _ in range(3)]
    assert len(set(ids)) == 3 and listed(kernel) == ids
    for one in ids:
        reply = kernel.ask("delete_subshell_request", {"subshell_id": one}, "control").reply
        assert reply == {"status": "ok"}
    assert listed(kernel) == []


@pytest.mark.parametrize("content", [{}, {"subshell_id": "no-such"}, {"subshell_id": None}])
def test_one_that_is_not_there_cannot_be_deleted(kernel, content):
    reply = kernel.ask("delete_subshell_request", content, "control").reply
    assert (reply["status"], reply["ename"]) == ("error", "ValueError")


@pytest.mark.parametrize("kind", ["execute_request", "kernel_info_request", "complete_request"])
def test_a_request_for_an_unknown_subshell_is_an_error(kernel, kind):
    outcome = kernel.ask(kind, {"code": "1"}, fields={"subshell_id": "no-such"})
    assert outcome.status == "error" and "subshell" in outcome.reply["evalue"]
    assert outcome.types == []


def test_a_subshell_id_of_none_is_the_main_shell(kernel):
    assert kernel.ask("kernel_info_request", fields={"subshell_id": None}).status == "ok"


def test_it_works_while_the_main_shell_is_busy(kernel, subshell):
    kernel.run("go = False").ok()
    busy = kernel.run_until(BUSY, "busy")
    fields = {"subshell_id": subshell}
    assert kernel.run("6 * 7", subshell=subshell).ok().result == "42"
    content = {"code": "tim", "cursor_pos": 3}
    assert "time" in kernel.ask("complete_request", content, fields=fields).reply["matches"]
    content = {"code": "time", "cursor_pos": 4}
    assert kernel.ask("inspect_request", content, fields=fields).reply["found"]
    assert kernel.ask("is_complete_request", {"code": "1"}, fields=fields).status == "complete"
    assert kernel.ask("kernel_info_request", fields=fields).status == "ok"
    assert kernel.ask("comm_info_request", fields=fields).status == "ok"
    assert not kernel.is_done(busy)
    kernel.run("go = True", subshell=subshell).ok()
    kernel.wait(busy).ok()


def test_it_shares_the_namespace_and_counts_for_itself(kernel, subshell):
    before = kernel.run("shared = [1]").ok().reply["execution_count"]
    for count in (1, 2, 3):
        outcome = kernel.run(f"shared.append({count}); shared", subshell=subshell).ok()
        assert outcome.reply["execution_count"] == count
        assert outcome.contents("execute_input")[0]["execution_count"] == count
        assert outcome.contents("execute_result")[0]["execution_count"] == count
    outcome = kernel.run("shared").ok()
    assert outcome.result == "[1, 1, 2, 3]" and outcome.reply["execution_count"] == before + 1


def test_its_results_are_not_the_main_shells(kernel, subshell):
    count = kernel.run("'main'").ok().reply["execution_count"]
    for _ in range(count):
        kernel.run("'sub'", subshell=subshell).ok()
    assert kernel.run("_", subshell=subshell).ok().result == "'sub'"
    assert kernel.run(f"Out[{count}], _{count}").ok().result == "('main', 'main')"
    assert kernel.run(f"In[{count}]").ok().result == "\"'main'\""


def test_outputs_go_to_the_request_that_made_them(kernel, subshell):
    kernel.run(
        "import time\nfrom IPython.display import display\ndef work(name):\n"
        "    for i in range(100):\n        print(name, i); time.sleep(0.001)\n"
        "        if i % 20 == 0: display(name)\n    return name"
    ).ok()
    code = "work({0!r})"
    main, other = kernel.start(code.format("main")), kernel.start(
        code.format("other"), subshell=subshell
    )
    for name, request in (("main", main), ("other", other)):
        outcome = kernel.wait(request).ok()
        assert outcome.stdout == "".join(f"{name} {i}\n" for i in range(100))
        assert [d["data"]["text/plain"] for d in outcome.displays] == [repr(name)] * 5
        assert outcome.result == repr(name)


def test_errors_payloads_and_questions_are_its_own(kernel, subshell):
    kernel.run("go = False").ok()
    busy = kernel.run_until(BUSY, "busy")
    kernel.run("1 / 0", subshell=subshell).failed("ZeroDivisionError")
    outcome = kernel.run("get_ipython().set_next_input('next')", subshell=subshell).ok()
    assert [p["source"] for p in outcome.reply["payload"]] == ["set_next_input"]
    kernel.answer = lambda prompt: prompt.upper()
    outcome = kernel.run("input('name')", subshell=subshell, allow_stdin=True).ok()
    assert outcome.result == "'NAME'"
    kernel.run("go = True", subshell=subshell).ok()
    assert kernel.wait(busy).ok().reply["payload"] == []


def test_a_failing_cell_aborts_the_cells_of_its_shell_alone(kernel, subshell):
    kernel.run("import time").ok()
    failing = kernel.start("time.sleep(0.3); 1 / 0", subshell=subshell)
    behind = [kernel.start("'behind'", subshell=subshell) for _ in range(3)]
    main = [kernel.start("'main'") for _ in range(3)]
    kernel.wait(failing).failed("ZeroDivisionError")
    for request in behind:
        kernel.wait(request).failed("ExecutionAborted")
    for request in main:
        assert kernel.wait(request).ok().result == "'main'"
    assert kernel.run("'again'", subshell=subshell).ok().result == "'again'"


def test_an_interrupt_reaches_the_main_shell_alone(kernel, subshell):
    slow = kernel.run_until(
        "import time\nprint('sub', flush=True)\ntime.sleep(0.8)\n'slept'", "sub", subshell=subshell
    )
    main = kernel.run_until("print('main', flush=True)\nwhile True: pass", "main")
    kernel.interrupt("message")
    kernel.wait(main).failed("KeyboardInterrupt")
    assert kernel.wait(slow).ok().result == "'slept'"


def test_it_has_a_loop_of_its_own(kernel, subshell):
    kernel.run("import asyncio; loops = [asyncio.get_running_loop()]").ok()
    code = "import asyncio\nloops.append(asyncio.get_running_loop())\nawait asyncio.sleep(0.05, 'slept')"
    assert kernel.run(code, subshell=subshell).ok().result == "'slept'"
    assert kernel.run("loops[0] is loops[1]", subshell=subshell).ok().result == "False"
    code = "import asyncio\nt = asyncio.create_task(asyncio.sleep(0.05, 'task'))"
    kernel.run(code, subshell=subshell).ok()
    assert kernel.run("await t", subshell=subshell).ok().result == "'task'"


def test_magics_and_commands_work(kernel, subshell):
    assert "hello" in kernel.run("!echo hello", subshell=subshell).ok().stdout
    assert "Wall time" in kernel.run("%time 1", subshell=subshell).ok().stdout
    outcome = kernel.run("%%capture text\nprint('inside')", subshell=subshell).ok()
    assert outcome.stdout == ""
    assert kernel.run("text.stdout", subshell=subshell).ok().result == repr("inside\n")
    assert "1 + 1" in kernel.run("1 + 1\n%history", subshell=subshell).ok().stdout


def test_commands_work_without_terminals(start):
    client = start().client()
    one = create(client)
    client.run("get_ipython()._has_terminals = False").ok()
    client.run("def say(word):\n    !echo {word} && echo err >&2; exit 3").ok()
    outcome = client.run("say('hello')", subshell=one).ok()
    assert "hello" in outcome.stdout and "err" in outcome.stdout
    assert client.run("_exit_code").ok().result == "3"
    assert "hello" in client.run("say('hello')").ok().stdout


def test_a_silent_cell_is_silent_and_its_neighbour_is_not(kernel, subshell):
    main = kernel.start("import time\nfor i in range(20): print(i); time.sleep(0.01)")
    quiet = kernel.run("for i in range(50): print('no')", subshell=subshell, silent=True).ok()
    assert quiet.types == []
    assert kernel.wait(main).ok().stdout == "".join(f"{i}\n" for i in range(20))


def test_child_forked_in_a_subshell_ends_with_its_cell(kernel, subshell):
    code = (
        "import os\npid = os.fork()\nif pid == 0: print('child', flush=True)\n"
        "else: print('status', os.waitpid(pid, 0)[1])"
    )
    outcome = kernel.run(code, subshell=subshell).ok()
    assert "status 0" in outcome.stdout
    assert kernel.run("6 * 7", subshell=subshell).ok().result == "42"
    assert kernel.run("6 * 7").ok().result == "42"


def test_torch_runs_in_several_at_once(kernel, subshell):
    kernel.run(
        "import torch\ndef work():\n    for i in range(300):\n"
        "        x = torch.full((10,), float(i), requires_grad=True)\n"
        "        (x * x).sum().backward()\n        assert x.grad.tolist() == [2.0 * i] * 10\n"
        "    return 'done'"
    ).ok()
    requests = [kernel.start("work()"), kernel.start("work()", subshell=subshell)]
    assert [kernel.wait(one).ok().result for one in requests] == ["'done'", "'done'"]
    kernel.run("torch.set_grad_enabled(False);", subshell=subshell).ok()
    assert kernel.run("torch.is_grad_enabled()").ok().result == "True"


def test_a_deleted_one_ends_its_cell_and_refuses_the_rest(kernel):
    one = create(kernel)
    code = "import time\nprint('runs', flush=True)\ntime.sleep(0.3)\n'ended'"
    running = kernel.run_until(code, "runs", subshell=one)
    waiting = kernel.start("'never'", subshell=one)
    assert kernel.ask("delete_subshell_request", {"subshell_id": one}, "control").status == "ok"
    assert kernel.wait(running).ok().result == "'ended'"
    outcome = kernel.wait(waiting)
    assert outcome.status == "error" and "subshell" in outcome.reply["evalue"]
    late = kernel.wait(kernel.start("1", subshell=one))
    assert late.status == "error"


def test_many_come_and_go(kernel):
    count = "import threading; len([t for t in __import__('os').listdir('/proc/self/task')])"
    before = int(kernel.run(count).ok().result)
    for _ in range(5):
        ids = [create(kernel) for _ in range(10)]
        requests = [kernel.start("6 * 7", subshell=one) for one in ids]
        for request in requests:
            assert kernel.wait(request).ok().result == "42"
        for one in ids:
            kernel.ask("delete_subshell_request", {"subshell_id": one}, "control")
    end = time.monotonic() + 5 * SLOWNESS
    while int(kernel.run(count).ok().result) > before and time.monotonic() < end:
        kernel.collect(0.05)
    assert int(kernel.run(count).ok().result) <= before


def test_two_run_a_thousand_cells_each_at_once(kernel):
    ids = [create(kernel), create(kernel)]
    requests = {
        one: [kernel.start(f"print({i}); {i}", subshell=one) for i in range(1000)] for one in ids
    }
    for one in ids:
        for i, request in enumerate(requests[one]):
            outcome = kernel.wait(request, 60).ok()
            assert (outcome.stdout, outcome.result) == (f"{i}\n", str(i))
            assert outcome.reply["execution_count"] == i + 1
        kernel.ask("delete_subshell_request", {"subshell_id": one}, "control")


def test_one_may_be_made_before_python_is_up(start):
    client = start().client()
    one = create(client)
    assert client.run("6 * 7", subshell=one).ok().result == "42"


@pytest.mark.parametrize("code", ["pass", "import time; time.sleep(60)", "while True: pass"])
def test_the_kernel_ends_whatever_a_subshell_does(start, code):
    process = start()
    client = process.client()
    client.run("pass").ok()
    one = create(client)
    client.run_until(f"print('runs', flush=True)\n{code}", "runs", subshell=one)
    assert client.ask("shutdown_request", {"restart": False}, "control").status == "ok"
    assert process.exit_within(3) == 0


# --- threads of the user's ---


def test_a_thread_may_say_whose_its_outputs_are(kernel):
    code = """
import threading, time
from IPython.display import display
shell = get_ipython()
def work(parent):
    shell.set_parent(parent)
    assert shell.get_parent()['msg_id'] == parent['msg_id']
    while not globals().get('later'): time.sleep(0.01)
    print('of the first cell', flush=True)
    display('shown')
later = False
thread = threading.Thread(target=work, args=(shell.get_parent(),))
thread.start()
"""
    first = kernel.start(code)
    kernel.late.add(first)
    kernel.wait(first).ok()
    outcome = kernel.run("later = True; thread.join(); print('of the second')").ok()
    kernel.wait_for(lambda: "first cell" in kernel.text(first), 10, "the thread's text")
    assert outcome.stdout == "of the second\n" and outcome.displays == []
    kernel.wait_for(lambda: kernel.has(first, "display_data"), 10, "the thread's display")


def test_a_thread_may_give_its_parent_up(kernel):
    code = """
import threading, time
shell = get_ipython()
def work(parent):
    shell.set_parent(parent)
    while not globals().get('later'): time.sleep(0.01)
    shell.set_parent({})
    print('of the latest', flush=True)
later = False
thread = threading.Thread(target=work, args=(shell.get_parent(),))
thread.start()
"""
    kernel.run(code).ok()
    assert kernel.run("later = True; thread.join()").ok().stdout == "of the latest\n"


def test_threads_follow_their_cells_where_it_is_configured(kernel):
    code = """
import threading, time
def work():
    while not globals().get('later'): time.sleep(0.01)
    print('of the first cell', flush=True)
later = False
thread = threading.Thread(target=work)
thread.start()
"""
    kernel.run("%config ZMQInteractiveShell.threads_follow_cells = True").ok()
    first = kernel.start(code)
    kernel.late.add(first)
    kernel.wait(first).ok()
    assert kernel.run("later = True; thread.join()").ok().stdout == ""
    kernel.wait_for(lambda: "first cell" in kernel.text(first), 10, "the thread's text")
    kernel.run("%config ZMQInteractiveShell.threads_follow_cells = False").ok()
    second = kernel.start(code)
    kernel.wait(second).ok()
    assert kernel.run("later = True; thread.join()").ok().stdout == "of the first cell\n"
