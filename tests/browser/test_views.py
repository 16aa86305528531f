"""Tensors as pictures in JupyterLab: the text, the table, slices to step through, the colours of a heat map."""

import importlib.resources
import io
import re

import pytest
from PIL import Image

pytestmark = pytest.mark.timeout(300)


def view(lab, name, *sources):
    """The picture below the last cell of a new notebook."""
    lab.open_new(name, *sources)
    lab.run_all()
    shown = lab.cell(len(sources) - 1).locator(".jp-RenderedHTMLCommon")
    shown.wait_for()
    return shown


def picture(place):
    """What the element looks like, as an image."""
    return Image.open(io.BytesIO(place.screenshot())).convert("RGB")


def columns(image):
    """In which columns there are points that are clearly red or orange, and in which ones that are clearly blue."""
    points = [(at % image.width, red - blue) for at, (red, _, blue) in enumerate(image.get_flattened_data())]
    return {x for x, warmth in points if warmth > 60}, {x for x, warmth in points if warmth < -60}


def test_the_text_of_the_tutorials_comes_first(lab):
    shown = view(lab, "text.ipynb", "import torch\ntorch.arange(6.).reshape(2, 3)")
    assert shown.inner_text().startswith("tensor([[0., 1., 2.],\n        [3., 4., 5.]])")
    assert "float32" in shown.inner_text() and "cpu" in shown.inner_text()


def test_slices_are_stepped_through(lab, shots):
    shown = view(lab, "slices.ipynb", "import torch\ntorch.arange(24.).reshape(2, 3, 4)")
    slices = shown.locator("details details")
    first, second = slices.nth(0), slices.nth(1)
    assert first.locator("table").is_visible() and not second.locator("table").is_visible()
    second.locator("summary").click()
    assert second.locator("table").is_visible()
    assert second.locator("td", has_text=re.compile(r"^23\.?0*$")).is_visible()
    lab.page.screenshot(path=shots / "slices.png")


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_a_heat_map_is_warm_where_positive_and_cold_where_negative(lab, shots, theme):
    shown = view(lab, "heat.ipynb", "import torch\nx = torch.full((48, 96), -1.)\nx[:, 48:] = 1\nx")
    lab.theme(f"JupyterLab {theme}")
    heat = shown.get_by_role("img").first
    heat.scroll_into_view_if_needed()
    warm, cold = columns(picture(heat))
    assert min(cold) <= 1 and max(cold) < min(warm)
    assert len(warm) > 50 and abs(len(warm) - len(cold)) < 5
    lab.page.screenshot(path=shots / f"heat_{theme.lower()}.png")


def test_a_gradient_stands_beside_its_value(lab, shots):
    shown = view(lab, "gradient.ipynb", "import torch\nw = torch.tensor([1., -2.], requires_grad=True)\n"
                                        "(w ** 2).sum().backward()\nw")
    text = shown.inner_text()
    assert "requires_grad=True" in text and "leaf" in text
    boxes = [shown.get_by_text(word, exact=True).first.bounding_box() for word in ("-2.", "-4.")]
    assert all(boxes)
    lab.page.screenshot(path=shots / "gradient.png")


def test_views_keep_nobody_out(lab):
    axe = (importlib.resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
    view(lab, "axe.ipynb", "import torch\ntorch.manual_seed(0)", "torch.randn(3, 4)", "torch.randn(60, 60)",
         "torch.randn(3, 4, 5)", "torch.randn(30)", "torch.tensor([1., float('nan'), float('inf')])")
    lab.page.evaluate(axe)
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        lab.theme(theme)
        found = lab.page.evaluate("""async () => (await axe.run({include: [['.jp-OutputArea-output']]}))
            .violations.map(one => [one.id, one.nodes.map(node => node.html.slice(0, 300))])""")
        assert found == [], theme
