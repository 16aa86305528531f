"""Notebooks made for a test, and the program called on them."""
import os
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


TERMINAL = """
#include <sys/stat.h>
static ino_t terminals[2];
static ino_t file_of(int descriptor)
{
    struct stat status;
    return fstat(descriptor, &status) == 0 ? status.st_ino : 0;
}
__attribute__((constructor)) static void remember(void)
{
    terminals[0] = OUTPUT ? file_of(1) : 0;
    terminals[1] = file_of(2);
}
int isatty(int descriptor)
{
    ino_t file = file_of(descriptor);
    return file && (file == terminals[0] || file == terminals[1]);
}
"""


def on_terminal(folder, *command, output=True, **environment):
    """What a program writes whose messages, and whose output, go to a terminal, as isatty() is made to say: real ones are
    not to be had in a bare chroot.
    """
    library = folder / "terminal.so"
    subprocess.run(["cc", "-shared", "-fPIC", f"-DOUTPUT={output:d}", "-x", "c", "-", "-o", library], input=TERMINAL,
                   text=True, check=True)
    return subprocess.run(command, capture_output=True, check=True, timeout=60,
                          env={**os.environ, "LD_PRELOAD": str(library), **environment})
