"""JupyterLab's debugger: a breakpoint in a cell, the stop, the variables, a step, and on."""

import pytest

pytestmark = pytest.mark.timeout(300)

SOURCE = "import torch\nt = torch.arange(3)\ntotal = t.sum()\nprint('total', total.item())"


def start(lab):
    button = lab.page.locator(".jp-DebuggerBugButton, [data-command='debugger:toggle']").first
    button.wait_for()
    button.click()
    lab.page.locator(".jp-DebuggerSidebar, #jp-debugger-sidebar").first.wait_for()


def variables(lab):
    return lab.page.locator(".jp-DebuggerVariables")


def test_a_breakpoint_stops_and_variables_are_shown(lab, shots):
    lab.open_new("debug.ipynb", SOURCE)
    start(lab)
    gutter = lab.cell(0).locator(".cm-breakpoint-gutter .cm-gutterElement")
    gutter.nth(3).wait_for()
    gutter.nth(3).click()
    lab.page.locator(".jp-DebuggerBreakpoints-body .jp-DebuggerBreakpoint").wait_for()
    lab.run_cell(0)
    lab.cell(0).locator(".jp-DebuggerEditor-highlight").wait_for()
    variables(lab).get_by_text("t", exact=True).first.wait_for()
    lab.page.wait_for_timeout(300)
    lab.page.screenshot(path=shots / "debugger.png")
    assert "Tensor" in variables(lab).inner_text() and "total" not in variables(lab).inner_text()
    lab.page.keyboard.press("F10")
    variables(lab).get_by_text("total", exact=True).first.wait_for()
    lab.page.keyboard.press("F9")
    lab.cell(0).locator(".jp-OutputArea-output", has_text="total 3").wait_for()


def test_variables_are_shown_without_a_stop(lab, shots):
    lab.open_new("inspect.ipynb", "import torch\nweights = torch.ones(2, 2)\nlabel = 'digit'")
    start(lab)
    lab.run_cell(0)
    variables(lab).get_by_text("weights", exact=True).first.wait_for()
    variables(lab).get_by_text("label", exact=True).first.wait_for()
    lab.page.wait_for_timeout(300)
    lab.page.screenshot(path=shots / "variables.png")
    assert "'digit'" in variables(lab).inner_text()


def test_a_variable_is_rendered_as_below_a_cell(lab, shots):
    lab.open_new("render.ipynb", "import torch\nweights = torch.eye(2)")
    start(lab)
    lab.run_cell(0)
    row = variables(lab).get_by_text("weights", exact=True).first
    row.wait_for()
    row.hover()
    lab.page.locator(".jp-DebuggerVariables-renderVariable").first.click()
    panel = lab.page.locator(".jp-VariableRendererPanel-renderer")
    panel.get_by_text("tensor([[1., 0.],").first.wait_for()
    lab.page.screenshot(path=shots / "rendered.png")
