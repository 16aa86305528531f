"""Writes the views of golden_views.py anew, after a change that is wanted: look at what git says has changed.

    PYTHONPATH=build/site build/venv/bin/python tests/golden/view/renew.py
"""
import os
import pathlib

os.environ.update(LC_ALL="C")

from golden_views import CASES, view_of  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent


def main():
    for old in HERE.glob("*.html"):
        old.unlink()
    for name in CASES:
        (HERE / f"{name}.html").write_text(view_of(name), encoding="utf-8")
    print(f"{len(CASES)} views")


if __name__ == "__main__":
    main()
