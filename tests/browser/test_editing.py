"""What a person does at a cell: interrupt, restart, complete, ask what a name is, answer, move a slider."""

import re
import time

import pytest

pytestmark = pytest.mark.timeout(300)


def test_the_kernel_shows_its_name_and_its_logo(lab):
    lab.open_new("logo.ipynb", "1")
    assert lab.page.locator(".jp-Toolbar-kernelName").inner_text() == "Meşale"
    lab.page.goto(f"{lab.server.url}lab?reset")
    card = lab.page.locator(".jp-LauncherCard[title^='Meşale']").first
    card.wait_for(timeout=60000)
    picture = card.locator("img")
    assert picture.get_attribute("src").endswith("logo-svg.svg")
    assert picture.evaluate("image => image.complete && image.naturalWidth > 0")


def test_cells_are_coloured_as_python(lab):
    lab.open_new("colours.ipynb", "for name in ():\n    pass  # nothing")
    assert lab.page.evaluate("""() => {
        const text = document.querySelector('.jp-CodeCell .cm-content');
        const words = [...text.querySelectorAll('span')];
        const colour = word => getComputedStyle(words.find(span => span.textContent === word)).color;
        return new Set([colour('for'), colour('# nothing'), getComputedStyle(text).color]).size;
    }""") == 3
    lab.run_all()
    lab.save()
    language = lab.server.ask("api/contents/colours.ipynb")["content"]["metadata"]["language_info"]
    assert (language["name"], language["file_extension"]) == ("python", ".py")
    assert language["codemirror_mode"] == {"name": "ipython", "version": 3}


def test_an_interrupt_ends_a_cell_and_the_next_one_runs(lab):
    lab.open_new("interrupt.ipynb", "import time\nprint('started')\nwhile True: time.sleep(0.01)", "6 * 7")
    lab.run_cell(0)
    assert "started" in lab.output(0)
    start = time.monotonic()
    lab.menu("Kernel", "Interrupt Kernel")
    lab.cell(0).locator(".jp-OutputArea-output", has_text="KeyboardInterrupt").wait_for()
    assert time.monotonic() - start < 10
    lab.run_cell(1)
    assert lab.output(1).strip() == "42"


def test_a_restart_forgets_names_and_counts_anew(lab):
    lab.open_new("restart.ipynb", "value = 1", "print('value' in globals())")
    lab.run_all()
    assert lab.output(1).strip() == "True"
    lab.menu("Kernel", "Restart Kernel…")
    lab.page.locator(".jp-Dialog-button.jp-mod-accept").click()
    lab.wait_idle()
    lab.run_cell(1)
    lab.page.locator(".jp-OutputArea-output", has_text="False").wait_for()
    assert lab.cell(1).locator(".jp-InputPrompt").inner_text().strip() == "[1]:"


def test_tab_completes_with_types(lab, shots):
    lab.open_new("complete.ipynb", "import torch\nt = torch.ones(2)", "t.req")
    lab.run_cell(0)
    lab.wait_idle()
    lab.edit(1)
    lab.page.keyboard.press("Tab")
    box = lab.page.locator(".jp-Completer")
    box.locator(".jp-Completer-item").first.wait_for()
    lab.page.screenshot(path=shots / "complete.png")
    items = box.locator(".jp-Completer-item")
    shown = {item.locator(".jp-Completer-match").inner_text(): item.locator(".jp-Completer-typeExtended").inner_text()
             for item in items.all()}
    assert shown == {"requires_grad": "property", "requires_grad_": "function"}
    lab.page.keyboard.press("Enter")
    box.wait_for(state="hidden")
    assert lab.cell(1).locator(".cm-content").inner_text() == "t.requires_grad"


def test_shift_tab_shows_signature_and_text(lab, shots):
    lab.open_new("tooltip.ipynb", "import torch", "torch.linspace(")
    lab.run_cell(0)
    lab.wait_idle()
    lab.edit(1)
    lab.page.keyboard.press("Shift+Tab")
    tip = lab.page.locator(".jp-Tooltip")
    tip.wait_for()
    lab.page.wait_for_timeout(300)
    lab.page.screenshot(path=shots / "tooltip.png")
    text = tip.inner_text()
    assert "linspace(" in text and "steps" in text and "Docstring" in text
    lab.page.keyboard.press("Escape")
    tip.wait_for(state="hidden")


def test_input_is_asked_for_and_answered(lab, shots):
    lab.open_new("input.ipynb", "name = input('Your name: ')\nprint('Hello,', name)")
    lab.run_cell(0)
    box = lab.page.locator(".jp-Stdin-input")
    box.wait_for()
    assert lab.page.locator(".jp-Stdin-prompt").inner_text().strip() == "Your name:"
    lab.page.screenshot(path=shots / "input.png")
    box.fill("Ayşe")
    box.press("Enter")
    lab.cell(0).locator(".jp-OutputArea-output", has_text="Hello, Ayşe").wait_for()


def test_getpass_hides_what_is_typed(lab):
    lab.open_new("getpass.ipynb", "import getpass\nprint(len(getpass.getpass('Secret: ')))")
    lab.run_cell(0)
    box = lab.page.locator(".jp-Stdin-input")
    box.wait_for()
    assert box.get_attribute("type") == "password"
    box.fill("12345")
    box.press("Enter")
    lab.cell(0).locator(".jp-OutputArea-output", has_text="5").wait_for()


def test_a_slider_moves_and_its_callback_draws(lab, shots):
    lab.open_new("slider.ipynb", "\n".join([
        "import ipywidgets, torch",
        "@ipywidgets.interact(n=ipywidgets.IntSlider(value=2, min=1, max=9))",
        "def show(n):",
        "    print(torch.arange(n).sum().item())"]))
    lab.run_cell(0)
    slider = lab.page.locator(".widget-slider .noUi-handle")
    slider.wait_for()
    result = lab.page.locator(".widget-interact .jp-OutputArea-output pre").last
    result.wait_for()
    assert result.inner_text().strip() == "1"
    slider.focus()
    for _ in range(3):
        slider.press("ArrowRight")
    lab.page.wait_for_function(
        "[...document.querySelectorAll('.widget-interact pre')].some(pre => pre.innerText.trim() === '10')")
    lab.page.screenshot(path=shots / "slider.png")
    assert lab.page.locator(".widget-readout").inner_text() == "5"


def test_an_error_is_shown_with_the_line(lab, shots):
    lab.open_new("error.ipynb", "import torch\ntorch.ones(2, 3) @ torch.ones(2, 3)")
    lab.run_cell(0)
    text = lab.output(0)
    assert re.search(r"RuntimeError: mat1 and mat2 shapes cannot be multiplied \(2x3 and 2x3\)", text)
    assert "----> 2 torch.ones(2, 3) @ torch.ones(2, 3)" in text
    lab.page.screenshot(path=shots / "error.png")
