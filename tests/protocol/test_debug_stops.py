"""debug_request as JupyterLab and VS Code send it: debugpy in a kernel whose cells stop and go on."""

import os
import pathlib
import signal
import time

import pytest

from debugging import FUNCTION, JUPYTERLAB, VSCODE, Debugger

# --- JupyterLab's way -----------------------------------------------------------------------------


def test_a_session_of_jupyterlab(debugger):
    kernel = debugger.client
    function_path = debugger.break_at(FUNCTION, 2)
    kernel.run(FUNCTION).ok()
    cell = "x = 1\ny = double(x)\nz = y + 1\nprint(z)"
    cell_path = debugger.break_at(cell, 1)
    debugger.do("configurationDone")
    info = debugger.do("debugInfo")
    assert info["isStarted"] is True and info["stoppedThreads"] == []
    assert {b["source"]: b["breakpoints"] for b in info["breakpoints"]} == {
        function_path: [{"line": 2}],
        cell_path: [{"line": 1}],
    }
    request, thread = debugger.run_to_stop(cell)
    assert debugger.do("debugInfo")["stoppedThreads"] == [thread]
    assert debugger.where(thread) == [("<module>", 1)]
    assert debugger.stack(thread)[0]["source"]["path"] == cell_path
    assert debugger.step("next", thread) == ("<module>", 2)
    assert debugger.step("stepIn", thread) == ("double", 2)
    assert debugger.where(thread) == [("double", 2), ("<module>", 2)]
    assert debugger.step("next", thread) == ("double", 3)
    assert debugger.step("stepOut", thread)[0] == "<module>"
    debugger.clear(function_path)
    assert kernel.ask("kernel_info_request", channel="control").status == "ok"
    assert debugger.go_on(request, thread).stdout == "3\n"
    assert debugger.do("debugInfo")["stoppedThreads"] == []
    debugger.clear(cell_path)
    assert debugger.do("debugInfo")["breakpoints"] == []
    assert kernel.run(cell).ok().stdout == "3\n"


def test_scopes_variables_and_values_of_a_stopped_cell(debugger):
    kernel = debugger.client
    kernel.run(FUNCTION).ok()
    path = debugger.break_at(FUNCTION, 3)
    cell = "table = {'k': [1, 2]}\ndouble(21)"
    debugger.dump(cell)
    request, thread = debugger.run_to_stop(cell)
    frame, below = debugger.stack(thread)
    local = debugger.scope(frame["id"], "Locals")
    assert (local["a"]["value"], local["b"]["value"], local["a"]["type"]) == ("21", "42", "int")
    names = debugger.scope(below["id"], "Globals")
    assert "double" not in names or names["double"]["type"] == "function"
    assert not {"In", "Out", "_", "_i", "_i1", "get_ipython", "exit"} & set(names), set(names)
    inside = debugger.children(names["table"]["variablesReference"])
    assert "'k'" in inside
    evaluated = debugger.do("evaluate", expression="a + b", frameId=frame["id"], context="repl")
    assert (evaluated["result"], evaluated["type"]) == ("63", "int")
    debugger.fail("evaluate", expression="no_such", frameId=frame["id"], context="watch")
    debugger.do("setExpression", expression="b", value="5", frameId=frame["id"])
    debugger.do(
        "copyToGlobals", srcVariableName="a", dstVariableName="copied", srcFrameId=frame["id"]
    )
    for wrong in ("a.b", "x'] = 1; globals()['y", "print(1)"):
        debugger.fail(
            "copyToGlobals", srcVariableName=wrong, dstVariableName="c", srcFrameId=frame["id"]
        )
        debugger.fail(
            "copyToGlobals", srcVariableName="a", dstVariableName=wrong, srcFrameId=frame["id"]
        )
    debugger.clear(path)
    assert debugger.go_on(request, thread).result == "5"
    assert kernel.run("copied").result == "21"


def test_rich_variables_of_a_stopped_cell(debugger):
    kernel = debugger.client
    kernel.run("import torch, pandas").ok()
    cell = (
        "def show(frame, t):\n    return len(frame)\n"
        "show(pandas.DataFrame({'a': [1, 2]}), torch.zeros(2, requires_grad=True))"
    )
    path = debugger.break_at(cell, 2)
    request, thread = debugger.run_to_stop(cell)
    frame = debugger.stack(thread)[0]["id"]
    bundle = debugger.do("richInspectVariables", variableName="frame", frameId=frame)
    assert "<table" in bundle["data"]["text/html"]
    bundle = debugger.do("richInspectVariables", variableName="t", frameId=frame)
    assert bundle["data"]["text/plain"] == "tensor([0., 0.], requires_grad=True)"
    local = debugger.scope(frame, "Locals")
    assert local["t"]["value"].startswith("tensor([0., 0.]") and local["t"]["type"] == "Tensor"
    debugger.fail("richInspectVariables", variableName="missing", frameId=frame)
    debugger.fail("richInspectVariables", variableName="t, 1", frameId=frame)
    debugger.clear(path)
    assert debugger.go_on(request, thread).result == "2"


def test_a_step_over_the_last_line_ends_the_cell_and_stops_in_no_other(debugger):
    kernel = debugger.client
    cell = "x = 1\ny = x + 1"
    path = debugger.break_at(cell, 2)
    request, thread = debugger.run_to_stop(cell)
    debugger.do("next", threadId=thread)
    kernel.wait(request).ok()
    debugger.clear(path)
    assert kernel.run("print('not stopped')\nx").ok().stdout == "not stopped\n"
    assert len(debugger.events("stopped")) == debugger.seen


@pytest.mark.parametrize("last", ["next", "stepIn", "stepOut"])
def test_no_step_leads_into_the_kernel(debugger, last):
    kernel = debugger.client
    cell = f"value = 1  # {last}"
    path = debugger.break_at(cell, 1)
    request, thread = debugger.run_to_stop(cell)
    debugger.do(last, threadId=thread)
    kernel.wait(request).ok()
    debugger.clear(path)
    assert kernel.run("value\n").ok().result == "1"
    assert len(debugger.events("stopped")) == debugger.seen


def test_empty_lines_before_a_cell_count(debugger):
    cell = "\n\nx = 1\ny = 2"
    path = debugger.break_at(cell, 4)
    request, thread = debugger.run_to_stop(cell)
    assert debugger.where(thread) == [("<module>", 4)]
    debugger.clear(path)
    debugger.go_on(request, thread)


def test_conditions_of_breakpoints(debugger):
    cell = "for i in range(10):\n    j = i * i"
    path = debugger.dump(cell)
    debugger.do(
        "setBreakpoints", source={"path": path}, breakpoints=[{"line": 2, "condition": "i == 7"}]
    )
    request, thread = debugger.run_to_stop(cell)
    frame = debugger.stack(thread)[0]["id"]
    evaluated = debugger.do("evaluate", expression="i", frameId=frame, context="hover")
    assert evaluated["result"] == "7"
    debugger.go_on(request, thread)
    debugger.clear(path)


def test_a_cell_stops_where_an_exception_is_raised(debugger):
    kernel = debugger.client
    cell = "def fail():\n    return 1 / 0\n\nfail()"
    debugger.dump(cell)
    debugger.do("setExceptionBreakpoints", filters=["raised"])
    request = kernel.start(cell)
    body = debugger.stopped()
    assert body["reason"] == "exception"
    assert debugger.where(body["threadId"])[0] == ("fail", 2)
    debugger.do("setExceptionBreakpoints", filters=[])
    debugger.do("continue", threadId=body["threadId"])
    kernel.wait(request).failed("ZeroDivisionError")


@pytest.mark.parametrize("just_my_code", [False, True])
def test_a_cell_stops_when_nobody_catches_its_exception(fresh, just_my_code):
    fresh.start(justMyCode=just_my_code)
    fresh.do("setExceptionBreakpoints", filters=["uncaught"])
    cell = "def fail(n):\n    return n / 0\n\ntry:\n    fail(1)\nexcept Exception:\n    pass\nfail(2)"
    path = fresh.dump(cell)
    request = fresh.client.start(cell)
    body = fresh.stopped()
    thread = body["threadId"]
    assert body["reason"] == "exception" and "ZeroDivisionError" in body["text"]
    frames = fresh.stack(thread)
    assert [(f["line"], f["source"]["path"]) for f in frames] == [(2, path), (8, path)]
    assert fresh.scope(frames[0]["id"], "Locals")["n"]["value"] == "2"
    assert "ZeroDivisionError" in fresh.do("exceptionInfo", threadId=thread)["exceptionId"]
    fresh.do("continue", threadId=thread)
    fresh.client.wait(request).failed("ZeroDivisionError")
    fresh.client.run("1 + 1").ok()
    assert len(fresh.events("stopped")) == 1


def test_what_the_kernel_raises_itself_stops_nothing(debugger):
    kernel = debugger.client
    debugger.do("setExceptionBreakpoints", filters=["raised", "uncaught", "userUnhandled"])
    outcome = kernel.run("print('ok')\n[*range(3)]").ok()
    assert outcome.stdout == "ok\n" and outcome.result == "[0, 1, 2]"
    debugger.do("setExceptionBreakpoints", filters=[])
    kernel.run("1 / 0").failed("ZeroDivisionError")
    assert len(debugger.events("stopped")) == debugger.seen


def test_breakpoint_stops_in_the_debugger_while_there_is_one(debugger):
    cell = "x = 3\nbreakpoint()\ny = 4"
    debugger.dump(cell)
    request, thread = debugger.run_to_stop(cell)
    name, line = debugger.where(thread)[0]
    assert name == "<module>" and line in (2, 3)
    debugger.go_on(request, thread)


def test_a_thread_stops_and_goes_on(debugger):
    cell = (
        "import threading\ndef work(n):\n    k = n + 1\n    print('done', k)\n"
        "t = threading.Thread(target=work, args=(1,))\nt.start()\nt.join()"
    )
    path = debugger.break_at(cell, 3)
    request, thread = debugger.run_to_stop(cell)
    assert debugger.where(thread)[0] == ("work", 3)
    info = debugger.do("debugInfo")
    assert info["stoppedThreads"][0] == thread and len(info["stoppedThreads"]) >= 2
    threads = {t["id"]: t["name"] for t in debugger.do("threads")["threads"]}
    assert set(info["stoppedThreads"]) <= set(threads)
    assert not any("pydevd" in name or "Dummy" in name for name in threads.values()), threads
    assert debugger.step("next", thread) == ("work", 4)
    debugger.clear(path)
    assert debugger.go_on(request, thread).stdout == "done 2\n"


def test_a_cell_that_awaits_stops_and_goes_on(debugger):
    cell = "import asyncio\nawait asyncio.sleep(0.01)\nx = 5\nawait asyncio.sleep(0.01)\nprint(x)"
    path = debugger.break_at(cell, 3)
    request, thread = debugger.run_to_stop(cell)
    assert debugger.where(thread)[0][1] == 3
    assert debugger.step("next", thread)[1] == 4
    debugger.clear(path)
    assert debugger.go_on(request, thread).stdout == "5\n"


def test_a_running_cell_can_be_paused_and_gets_breakpoints(kernel):
    cell = "k = 0\nwhile k >= 0:\n    k += 1\nprint('left')"
    debugger = Debugger(kernel)
    debugger.do("debugInfo")
    debugger.seen = len(debugger.events("stopped"))
    request = kernel.start(cell)
    debugger.start()
    thread = debugger.do("threads")["threads"][0]["id"]
    debugger.do("pause", threadId=thread)
    assert debugger.stopped()["reason"] == "pause"
    frame = debugger.stack(thread)[0]
    assert frame["name"] == "<module>" and frame["line"] in (2, 3)
    debugger.do("continue", threadId=thread)
    path = debugger.break_at(cell, 3)
    assert debugger.stopped()["reason"] == "breakpoint"
    frame = debugger.stack(thread)[0]["id"]
    debugger.do("setExpression", expression="k", value="-5", frameId=frame)
    debugger.clear(path)
    assert debugger.go_on(request, thread).stdout == "left\n"
    debugger.do("disconnect")


def test_a_cell_of_a_subshell_stops_and_the_main_shell_goes_on_with_it(debugger):
    kernel = debugger.client
    subshell = kernel.ask("create_subshell_request", channel="control").ok().reply["subshell_id"]
    cell = "inner = 1\ninner = 2"
    path = debugger.break_at(cell, 2)
    request = kernel.send(
        "execute_request", {"code": cell}, fields={"subshell_id": subshell}
    )
    thread = debugger.stopped()["threadId"]
    assert debugger.where(thread) == [("<module>", 2)]
    threads = {t["id"]: t["name"] for t in debugger.do("threads")["threads"]}
    assert threads[thread] == "Subshell" and "MainThread" in threads.values()
    assert kernel.ask("kernel_info_request").status == "ok"
    debugger.clear(path)
    debugger.go_on(request, thread)
    assert kernel.run("inner").ok().result == "2"
    kernel.ask("delete_subshell_request", {"subshell_id": subshell}, "control").ok()
    code = "import threading, time\nwhile threading.active_count() > 1: time.sleep(0.01)"
    kernel.run(code, timeout=5).ok()
    assert [t["name"] for t in debugger.do("threads")["threads"]] == ["MainThread"]


def test_requests_that_come_at_once_are_answered_in_order(debugger):
    kernel = debugger.client
    commands = ["debugInfo", "threads", "dumpCell", "modules", "noSuchCommand", "inspectVariables"]
    sent = [debugger.send(c, {"code": "x = 1"}) for c in commands * 5]
    for request in sent:
        kernel.wait(request)
    replies = [m.content["seq"] for r in sent for m in kernel.filed[r] if m.channel == "control"]
    assert len(replies) == len(sent) and replies == sorted(replies)


def test_a_long_stack_comes_in_parts(debugger):
    cell = "def deep(n):\n    if n:\n        return deep(n - 1)\n    return 0\n\ndeep(60)"
    path = debugger.break_at(cell, 4)
    request, thread = debugger.run_to_stop(cell)
    whole = debugger.do("stackTrace", threadId=thread)
    assert whole["totalFrames"] == len(whole["stackFrames"]) == 62
    first = debugger.do("stackTrace", threadId=thread, startFrame=0, levels=20)
    rest = debugger.do("stackTrace", threadId=thread, startFrame=20, levels=100)
    assert len(first["stackFrames"]) == 20 and first["totalFrames"] == 62
    assert first["stackFrames"] + rest["stackFrames"] == whole["stackFrames"]
    debugger.clear(path)
    debugger.go_on(request, thread)


def test_a_reloaded_page_finds_everything_again(debugger):
    kernel = debugger.client
    cell = "first = 1\nsecond = 2"
    path = debugger.break_at(cell, 2)
    request, thread = debugger.run_to_stop(cell)
    again = kernel.kernel.client()
    page = Debugger(again)
    info = page.do("debugInfo")
    assert info["isStarted"] is True and info["stoppedThreads"] == [thread]
    assert info["breakpoints"] == [{"source": path, "breakpoints": [{"line": 2}]}]
    assert page.where(thread) == [("<module>", 2)]
    assert page.do("initialize", **JUPYTERLAB)
    page.do("attach")
    page.clear(path)
    page.do("continue", threadId=thread)
    kernel.wait(request).ok()
    again.close()
    kernel.kernel.clients.remove(again)


def test_evaluation_without_a_frame_is_in_the_notebook(debugger):
    debugger.client.run("base = 40").ok()
    assert debugger.do("evaluate", expression="base + 2")["result"] == "42"
    assert debugger.do("evaluate", expression="made = base * 2")["result"] == ""
    assert debugger.client.run("made").result == "80"
    assert "NameError" in debugger.fail("evaluate", expression="no_such_name")


# --- VS Code's way --------------------------------------------------------------------------------


def test_a_session_of_vscode(start):
    client = start().client()
    debugger = Debugger(client)
    debugger.do("debugInfo")
    body = debugger.do("initialize", timeout=20, **VSCODE)
    assert body["supportsConfigurationDoneRequest"] is True
    filters = [f["filter"] for f in body["exceptionBreakpointFilters"]]
    assert filters[:2] == ["raised", "uncaught"]
    debugger.do("attach", type="Python Kernel Debug Adapter", request="attach", justMyCode=True)
    assert len(debugger.events("initialized")) == 1
    cell = "import random\nvalue = random.random()\nother = 2"
    path = debugger.break_at(cell, 2)
    debugger.do("setFunctionBreakpoints", breakpoints=[])
    debugger.do("setExceptionBreakpoints", filters=["uncaught"], filterOptions=[])
    debugger.do("configurationDone")
    assert [t["name"] for t in debugger.do("threads")["threads"]] == ["MainThread"]
    request, thread = debugger.run_to_stop(cell)
    debugger.do("threads")
    frames = debugger.do("stackTrace", threadId=thread, startFrame=0, levels=20)
    assert [f["line"] for f in frames["stackFrames"]] == [2]
    assert frames["stackFrames"][0]["source"]["path"] == path
    assert debugger.step("stepIn", thread) == ("<module>", 3), "it is not my code"
    frame = debugger.stack(thread)[0]["id"]
    assert "value" in debugger.scope(frame, "Locals")
    debugger.do("setVariable", name="value", value="7", variablesReference=frame_scope(debugger, frame))
    debugger.do("continue", threadId=thread)
    client.wait(request).ok()
    assert client.run("value").result == "7"
    debugger.do("disconnect", restart=False)
    assert client.run("value").ok().result == "7"


def frame_scope(debugger, frame):
    return debugger.do("scopes", frameId=frame)["scopes"][0]["variablesReference"]


# --- interrupt, end -------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["signal", "message"])
def test_an_interrupt_ends_a_stopped_cell_there(debugger, how):
    kernel = debugger.client
    cell = f"reached = 1\nreached = 2\nreached = 3  # {how}"
    path = debugger.break_at(cell, 2)
    for _ in range(2):
        request, _ = debugger.run_to_stop(cell)
        kernel.interrupt(how)
        kernel.wait(request).failed("KeyboardInterrupt")
        assert debugger.do("debugInfo")["stoppedThreads"] == []
    debugger.clear(path)
    assert kernel.run("reached").ok().result == "1"


def test_an_interrupt_lets_go_a_thread_that_stands(debugger):
    kernel = debugger.client
    cell = (
        "import threading\nended = []\ndef work():\n    ended.append(1)\n    ended.append(2)\n"
        "t = threading.Thread(target=work)\nt.start()\nt.join()"
    )
    path = debugger.break_at(cell, 5)
    request, _ = debugger.run_to_stop(cell)
    kernel.interrupt("signal")
    kernel.wait(request).failed("KeyboardInterrupt")
    debugger.clear(path)
    assert kernel.run("t.join()\nended").ok().result == "[1, 2]"


def test_an_interrupt_ends_what_the_debugger_evaluates_and_not_the_stop(debugger):
    kernel = debugger.client
    cell = "here = 1\nhere = 2"
    path = debugger.break_at(cell, 2)
    request, thread = debugger.run_to_stop(cell)
    frame = debugger.stack(thread)[0]["id"]
    asked = debugger.send(
        "evaluate",
        {"expression": "__import__('time').sleep(100)", "frameId": frame, "context": "repl"},
    )
    kernel.collect(0.5)
    kernel.interrupt("signal")
    assert kernel.wait(asked).reply["success"] is False
    assert debugger.do("debugInfo")["stoppedThreads"] == [thread]
    assert debugger.where(thread) == [("<module>", 2)]
    debugger.clear(path)
    debugger.go_on(request, thread)


def test_a_stopped_cell_goes_on_after_disconnect_and_debugging_can_begin_again(debugger):
    kernel = debugger.client
    cell = "a = 1\nb = a + 1\nprint(b)"
    for _ in range(2):
        debugger.break_at(cell, 2)
        request, _ = debugger.run_to_stop(cell)
        debugger.do("disconnect", restart=False, terminateDebuggee=True)
        assert kernel.wait(request).ok().stdout == "2\n"
        info = debugger.do("debugInfo")
        assert (info["isStarted"], info["breakpoints"], info["stoppedThreads"]) == (False, [], [])
        assert kernel.run("import sys, threading; sys.gettrace(), threading.gettrace()").result == (
            "(None, None)"
        )
        assert kernel.run("sys.settrace.__module__").result == "'sys'"
        assert kernel.run("sys.breakpointhook is sys.__breakpointhook__").result == "True"
        assert kernel.run(cell).ok().stdout == "2\n"
        debugger.start()


@pytest.mark.parametrize("how", ["shutdown", "SIGTERM", "restart"])
def test_the_kernel_ends_while_a_cell_stands_and_leaves_no_files(fresh, how):
    fresh.do("debugInfo")
    fresh.start()
    cell = "a = 1\nb = 2"
    path = pathlib.Path(fresh.break_at(cell, 2))
    fresh.run_to_stop(cell)
    kernel = fresh.client.kernel
    assert path.exists()
    if how == "SIGTERM":
        os.kill(kernel.pid, signal.SIGTERM)
    else:
        fresh.client.send("shutdown_request", {"restart": how == "restart"}, "control")
    kernel.exit_within(1.5)
    assert not path.parent.exists()


def test_exit_in_a_cell_ends_the_kernel_while_the_debugger_is_attached(fresh):
    fresh.start()
    path = pathlib.Path(fresh.dump("exit()"))
    fresh.client.start("exit()")
    assert fresh.client.kernel.exit_within(2) == 0
    assert not path.parent.exists()


def test_a_forked_child_does_not_stand_at_breakpoints(debugger):
    cell = (
        "import os\ndef work():\n    return 5\n\npid = os.fork()\nif pid == 0:\n"
        "    os._exit(work())\nos.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])"
    )
    path = debugger.break_at(cell, 3)
    assert debugger.client.run(cell).ok().result == "5"
    assert len(debugger.events("stopped")) == debugger.seen
    debugger.clear(path)
