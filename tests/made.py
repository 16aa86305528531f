"""Notebooks made for a test, and the program called on them."""
import subprocess

import nbformat
from nbformat.v4 import new_code_cell, new_notebook, new_output


def code(source, *outputs, tags=()):
    return new_code_cell(source, outputs=list(outputs), metadata={"tags": list(tags)} if tags else {})


def printed(text, name="stdout"):
    return new_output("stream", name=name, text=text)


def save(path, *cells, **metadata):
    """Writes a notebook of these cells; strings are code."""
    book = new_notebook(cells=[code(cell) if isinstance(cell, str) else cell for cell in cells], metadata=metadata)
    nbformat.write(book, path)
    return path


def caller(mesale, python, command):
    """A function that calls `mesale COMMAND` with its arguments and sees to the exit code."""

    def call(*arguments, code=0, **options):
        line = [mesale, command, "--python", python, *map(str, arguments)]
        done = subprocess.run(line, capture_output=True, text=True, timeout=50, **options)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return call
