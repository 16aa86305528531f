"""axe-core over what the notebooks put into the page, in both themes: text, outputs, pictures, tables.

Only what is ours is looked at: the rest of JupyterLab is its own, and so is that it gives pictures in outputs no
alternative text; the notebooks say in words what each of them shows.
"""

import importlib.resources

import pytest

OURS = {
    "include": [[".jp-Notebook .jp-MarkdownOutput"], [".jp-Notebook .jp-OutputArea-output"]],
    "exclude": [[".jp-RenderedImage > img, .jp-RenderedSVG img"]],
}
RUN = """async where => {
    const found = await axe.run(where,
                                {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']});
    return found.violations.map(one => [one.id, one.impact, one.nodes.map(node => node.html.slice(0, 300))]);
}"""


@pytest.fixture(scope="session")
def axe():
    """The script of axe-core, from the wheel."""
    return (importlib.resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["01_tensors_tr.ipynb", "02_autograd_en.ipynb", "04_network_tr.ipynb"])
def test_nothing_keeps_a_reader_out(lab, axe, name):
    lab.open(name)
    lab.run_all()
    lab.page.evaluate(axe)
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        lab.theme(theme)
        assert lab.page.evaluate(RUN, OURS) == [], theme
