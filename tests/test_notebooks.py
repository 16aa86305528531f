"""The notebooks to learn from: each shows what it stores, in time, and its two languages say the same."""
import ast
import json
import os
import pathlib
import re
import subprocess
import time

import nbformat
import pytest

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "notebooks"
NAMES = sorted(path.name for path in FOLDER.glob("*.ipynb"))
STEMS = sorted(name.removesuffix("_en.ipynb") for name in NAMES if name.endswith("_en.ipynb"))
SLOWNESS = float(os.environ.get("TEST_SLOWNESS", "1"))
SECONDS = 15  # a learner's patience, on two cores


def read(name):
    return nbformat.read(FOLDER / name, 4)


@pytest.mark.timeout(SECONDS * SLOWNESS + 10)
@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_shows_what_it_stores(mesale, python, name):
    start = time.monotonic()
    # each in the environment of its readers, in which it was stored
    language = {"LC_ALL": "tr_TR.UTF-8" if "_tr." in name else "C.UTF-8"}
    done = subprocess.run([mesale, "run", "--check", "--python", python, FOLDER / name], capture_output=True, text=True,
                          env={**os.environ, **language})
    assert done.returncode == 0, done.stdout + done.stderr
    assert time.monotonic() - start < SECONDS * SLOWNESS


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_well_formed(name):
    book = read(name)
    nbformat.validate(book)
    assert (book.nbformat, book.nbformat_minor) == (4, 5)
    assert book.metadata.kernelspec.name == "mesale" and book.metadata.language_info.name == "python"
    codes = [cell for cell in book.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in codes] == list(range(1, len(codes) + 1))
    assert not any(output.output_type == "error" for cell in codes for output in cell.outputs)


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name):
    text = "\n".join(cell.source for cell in read(name).cells if cell.cell_type == "markdown")
    for target in re.findall(r"\]\(([^)]+)\)", text):
        assert (FOLDER / target).exists(), target


def shape(source):
    """The program without its names, texts and comments; lines of the shell and magics as they are."""
    magic = "\n".join(line for line in source.splitlines() if line.startswith(("!", "%")))
    tree = ast.parse("\n".join(line for line in source.splitlines() if not line.startswith(("!", "%"))))
    return magic, [type(node).__name__ for node in ast.walk(tree)]


@pytest.mark.parametrize("stem", STEMS)
def test_both_languages_have_the_same_cells(stem):
    ours, theirs = read(f"{stem}_en.ipynb").cells, read(f"{stem}_tr.ipynb").cells
    assert [(c.id, c.cell_type, c.metadata) for c in ours] == [(c.id, c.cell_type, c.metadata) for c in theirs]
    for one, other in zip(ours, theirs):
        if one.cell_type == "code":
            assert shape(one.source) == shape(other.source), one.id
        else:
            assert one.source.count("<details>") == other.source.count("</details>"), one.id
            assert one.source.count("$") == other.source.count("$"), one.id


def test_every_notebook_has_a_twin_and_its_file_is_written_as_the_others():
    assert sorted(f"{stem}_{language}.ipynb" for stem in STEMS for language in ("en", "tr")) == NAMES
    for name in NAMES:
        text = (FOLDER / name).read_text(encoding="utf-8")
        assert text == json.dumps(json.loads(text), ensure_ascii=False, indent=1) + "\n"
