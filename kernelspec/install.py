"""Write a kernelspec folder: kernel.json from its template, and the logos.

    install.py --program PROGRAM --python PYTHON DIR

PROGRAM is the `mesale` that front ends start, PYTHON the interpreter whose environment the kernel serves; both are
absolute paths. DIR is made if it is missing. `mesale install` does the same for users without this script.
"""

import argparse
import json
import os
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
LOGOS = ("logo-32x32.png", "logo-64x64.png", "logo-svg.svg")


def fill(value, names):
    """The template's JSON value with every string that is a placeholder replaced."""
    if isinstance(value, dict):
        return {key: fill(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [fill(item, names) for item in value]
    return names.get(value, value) if isinstance(value, str) else value


def write(program, python, folder):
    with open(os.path.join(HERE, "kernel.json.in"), encoding="utf-8") as file:
        spec = fill(json.load(file), {"@PROGRAM@": program, "@PYTHON@": python})
    os.makedirs(folder, exist_ok=True)
    target = os.path.join(folder, "kernel.json")
    with open(target + ".part", "w", encoding="utf-8") as file:
        json.dump(spec, file, ensure_ascii=False, indent=1)
        file.write("\n")
    os.replace(target + ".part", target)
    for logo in LOGOS:
        shutil.copyfile(os.path.join(HERE, logo), os.path.join(folder, logo))


def main():
    parser = argparse.ArgumentParser(description="write a kernelspec folder")
    parser.add_argument("--program", required=True)
    parser.add_argument("--python", required=True)
    parser.add_argument("folder", metavar="DIR")
    options = parser.parse_args()
    for path in (options.program, options.python):
        if not os.path.isabs(path):
            parser.error(f"not an absolute path: {path}")
    write(options.program, options.python, options.folder)


if __name__ == "__main__":
    sys.exit(main())
