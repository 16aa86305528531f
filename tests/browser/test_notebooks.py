"""Each notebook in JupyterLab: Run All, every output read from the page, and the same as by other ways to run it."""

import base64
import io
import pathlib
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAMES = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
IGNORED = {"nbval-ignore-output", "nbval-skip"}


def code_cells(book):
    return [cell for cell in book.cells if cell.cell_type == "code"]


def pixels(data):
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        return image.size, image.convert("RGBA").tobytes()


def plain(outputs):
    """Outputs as values to compare: streams as one text each, pictures as pixels."""
    result = []
    for output in outputs:
        if output.output_type == "stream":
            if result and result[-1][0] == output.name:
                output.text = result.pop()[1] + output.text
            result.append((output.name, output.text))
        elif output.output_type == "error":
            result.append(("error", output.ename, output.evalue))
        else:
            result.append((output.output_type, {kind: pixels(value) if kind == "image/png" else value
                                                for kind, value in output.data.items()}))
    return result


def compared(book):
    return [plain(cell.outputs) for cell in code_cells(book) if not IGNORED & set(cell.metadata.get("tags", ()))]


def without_words(cells):
    """Views by their text alone: the rest is in the language of the environment that they were made in."""
    def reduced(output):
        if not isinstance(output[1], dict) or "text/html" not in output[1]:
            return output
        return output[0], {**output[1], "text/html": output[1]["text/html"].partition("</pre>")[0].rpartition("<pre")[2]}

    return [[reduced(output) for output in cell] for cell in cells]


def pictures(book):
    return [plain(cell.outputs) for cell in code_cells(book)
            if any("image/png" in output.get("data", {}) for output in cell.outputs)]


def check_page(shown, cells):
    """What the page shows below the cells is what the notebook holds."""
    assert len(shown) == len(cells)
    for seen, cell in zip(shown, cells):
        assert len(seen) == len(cell.outputs), (cell.id, seen)
        for (kind, text), output in zip(seen, cell.outputs):
            if output.output_type == "stream":
                assert kind.endswith(output.name) and text == output.text.replace("\r\n", "\n")
            elif output.output_type != "error":
                assert kind in output.data
                plain_text = "".join(output.data["text/plain"].split())
                if kind == "text/plain" or plain_text.startswith("tensor("):  # a picture of a tensor holds its text too
                    assert plain_text in "".join(text.split())


@pytest.fixture
def by_command(mesale, server, tmp_path):
    """The notebook after `mesale run`."""

    def run(name):
        target = tmp_path / name
        subprocess.run([mesale, "run", "--python", sys.executable, "--output", target, server.root / name],
                       check=True, capture_output=True, timeout=60)
        return nbformat.read(target, 4)

    return run


def by_client(path, kernel_path, monkeypatch):
    """The notebook after nbclient."""
    monkeypatch.setenv("JUPYTER_PATH", str(kernel_path))
    book = nbformat.read(path, 4)
    NotebookClient(book, timeout=60, kernel_name="mesale").execute()
    return book


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_the_same_everywhere(lab, by_command, monkeypatch, shots, name):
    command = by_command(name)
    client = by_client(lab.server.root / name, lab.server.root.parent / "share/jupyter", monkeypatch)
    lab.open(name)
    numbers = lab.run_all()
    assert numbers == list(range(1, len(numbers) + 1))
    shown = lab.shown()
    lab.save()
    browser = nbformat.read(lab.server.root / name, 4)
    check_page(shown, code_cells(browser))
    stored = nbformat.read(ROOT / "notebooks" / name, 4)
    assert compared(browser) == compared(command) == compared(client)
    assert without_words(compared(browser)) == without_words(compared(stored))
    assert pictures(command) == pictures(client) == pictures(browser)
    for theme in ("Light", "Dark"):
        lab.theme(f"JupyterLab {theme}")
        lab.page.locator(".jp-Notebook").evaluate("book => book.querySelector('.jp-CodeCell').scrollIntoView()")
        lab.page.screenshot(path=shots / f"{name.removesuffix('.ipynb')}_{theme.lower()}.png")
    lab.theme("JupyterLab Light")
