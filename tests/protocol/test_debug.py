"""debug_request where nothing stops: what is answered without debugpy, files of cells, bad requests."""

import os
import pathlib
import time

import pytest

from client import SLOWNESS
from debugging import JUPYTERLAB, Debugger

# --- without a started debugger -------------------------------------------------------------------


def test_debug_info_before_the_debugger_is_started(fresh):
    info = fresh.do("debugInfo")
    prefix = info.pop("tmpFilePrefix")
    pid = fresh.client.kernel.pid
    assert prefix.endswith(f"/mesale_{pid}/"), prefix
    assert info == {
        "isStarted": False,
        "hashMethod": "Murmur2",
        "hashSeed": 0xC70F6907,
        "tmpFileSuffix": ".py",
        "breakpoints": [],
        "stoppedThreads": [],
        "richRendering": True,
        "exceptionPaths": ["Python Exceptions"],
        "copyToGlobals": True,
    }


def test_debug_info_is_answered_while_a_cell_holds_the_interpreter(kernel):
    debugger = Debugger(kernel)
    kernel.run("import ctypes; holder = ctypes.PyDLL(None)").ok()
    request = kernel.run_until(
        "print('held', flush=True); import time; time.sleep(.2); holder.usleep(1_500_000)", "held"
    )
    kernel.collect(0.4)
    begin = time.monotonic()
    debugger.do("debugInfo")
    assert time.monotonic() - begin < 0.5 * SLOWNESS
    assert not kernel.is_done(request), "the cell ended too early to show anything"
    kernel.wait(request).ok()


def test_the_file_of_a_cell_has_its_text_and_the_name_of_its_hash(fresh):
    info = fresh.do("debugInfo")
    code = "# ışık\nx = 1\n"
    path = pathlib.Path(fresh.dump(code))
    assert str(path).startswith(info["tmpFilePrefix"]) and path.suffix == ".py"
    assert path.stem == str(murmur2(code.encode(), info["hashSeed"]))
    assert path.read_bytes() == code.encode()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert fresh.client.run(code + "__import__('sys')._getframe().f_code.co_filename").result
    outcome = fresh.client.run("__import__('sys')._getframe().f_code.co_filename").ok()
    stem = murmur2(b"__import__('sys')._getframe().f_code.co_filename", info["hashSeed"])
    assert outcome.result == repr(f"{info['tmpFilePrefix']}{stem}.py")


def murmur2(data, seed):
    """As JupyterLab computes it."""
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h = (seed ^ len(data)) & mask
    whole = len(data) // 4 * 4
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i : i + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        h = h * m & mask ^ k
    if data[whole:]:
        h = (h ^ int.from_bytes(data[whole:], "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15


def test_cells_have_no_file_names_before_a_debugger_asks(start):
    client = start().client()
    code = "import warnings; warnings.warn('careful')"
    name = client.run("__import__('sys')._getframe().f_code.co_filename").ok().result
    assert name.startswith("'<ipython-input-")
    assert client.run(code).ok().stderr.startswith("<ipython-input-")
    Debugger(client).do("debugInfo")
    assert "/mesale_" in client.run(code).ok().stderr


@pytest.mark.parametrize("asked", [False, True])
def test_a_recursion_is_folded_with_and_without_a_debugger(start, asked):
    client = start().client()
    if asked:
        Debugger(client).do("debugInfo")
    client.run("def f(n):\n    return f(n + 1)").ok()
    lines = client.run("f(0)").failed("RecursionError").reply["traceback"]
    assert len(lines) <= 60
    assert any("frames left out" in line for line in lines)
    assert any("Cell" in line and "In[2]" in line for line in lines), lines


def test_variables_are_shown_without_debugpy(fresh):
    fresh.client.run(
        "class Point:\n    def __init__(self):\n        self.x, self.y = 1, [2, {'k': 'v'}]\n"
        "point, number, word = Point(), 5, 'ığ'\nIn, _hidden = In, 3"
    ).ok()
    variables = fresh.globals()
    assert set(variables) == {"Point", "point", "number", "word", "_hidden"}, set(variables)
    assert (variables["number"]["value"], variables["number"]["type"]) == ("5", "int")
    assert variables["word"]["value"] == "'ığ'" and variables["word"]["variablesReference"] == 0
    inside = fresh.children(variables["point"]["variablesReference"])
    assert inside["x"]["value"] == "1" and inside["y"]["evaluateName"] == "point.y"
    items = fresh.children(inside["y"]["variablesReference"])
    assert items["0"]["value"] == "2" and items["1"]["evaluateName"] == "point.y[1]"
    leaf = fresh.children(items["1"]["variablesReference"])["'k'"]
    assert (leaf["value"], leaf["evaluateName"]) == ("'v'", "point.y[1]['k']")
    assert "changed" in fresh.fail("variables", variablesReference=987654)
    assert fresh.client.run("'debugpy' in __import__('sys').modules").result == "False"


def test_a_variable_is_shown_as_richly_as_in_a_cell(fresh):
    fresh.client.run(
        "import torch, pandas\nt = torch.ones(2)\nframe = pandas.DataFrame({'a': [1, 2]})\n"
        "class Bad:\n    def __repr__(self): raise ValueError('no')\nbad = Bad()"
    ).ok()
    assert fresh.do("richInspectVariables", variableName="t")["data"]["text/plain"] == (
        "tensor([1., 1.])"
    )
    bundle = fresh.do("richInspectVariables", variableName="frame")
    assert "<table" in bundle["data"]["text/html"] and "text/plain" in bundle["data"]
    assert set(bundle["metadata"]) <= set(bundle["data"])
    assert "Bad" in fresh.globals()["bad"]["value"]
    assert "nothing" in fresh.fail("richInspectVariables", variableName="nothing")
    for name in ("t.x", "print(1)", "", "import", "a b", "__import__('os').system('true')"):
        assert "not the name" in fresh.fail("richInspectVariables", variableName=name)
    for name in ("special variables", "function variables"):
        assert fresh.do("richInspectVariables", variableName=name) == {"data": {}, "metadata": {}}


def test_modules_and_sources(fresh):
    found = fresh.do("modules")
    assert any(m["name"] == "json" and m["path"].endswith("__init__.py") for m in found["modules"])
    assert found["totalModules"] == len(found["modules"])
    assert len(fresh.do("modules", startModule=2, moduleCount=3)["modules"]) == 3
    path = fresh.dump("x = 'ı'\n")
    assert fresh.do("source", source={"path": path}, sourceReference=0)["content"] == "x = 'ı'\n"
    assert fresh.fail("source", source={"path": "/no/such/file.py"})


def test_what_needs_a_started_debugger_is_refused_without_one(fresh):
    for command in ("attach", "setBreakpoints", "stackTrace", "copyToGlobals", "next", "threads"):
        assert "not started" in fresh.fail(command)
    assert "does not know" in fresh.fail("noSuchCommand")
    assert fresh.do("disconnect") == {}


def test_requests_may_come_on_the_shell_channel(fresh):
    client = fresh.client
    cell = client.start("import time; time.sleep(0.3)")
    content = {"type": "request", "seq": 1, "command": "debugInfo", "arguments": {}}
    request = client.send("debug_request", content)
    client.wait(cell).ok()
    assert client.wait(request).reply["success"] is True
    assert client.run("1 + 1").ok().result == "2"


def test_malformed_requests_get_a_response(fresh):
    for content in ({}, {"command": 7}, {"command": "dumpCell", "arguments": 3}, {"seq": "x"}):
        reply = fresh.client.ask("debug_request", content, "control").reply
        assert reply["success"] is False and reply["type"] == "response", reply
    assert fresh.do("debugInfo")


def test_without_debugpy_the_reply_says_how_to_install_it(start, tmp_path):
    (tmp_path / "debugpy.py").write_text("raise ImportError('gone')")
    client = start(env={"PYTHONPATH": str(tmp_path)}).client()
    debugger = Debugger(client)
    assert debugger.do("debugInfo")["isStarted"] is False
    message = debugger.fail("initialize", **JUPYTERLAB)
    assert "-m pip install debugpy" in message
    assert client.run("6 * 7").ok().result == "42"
