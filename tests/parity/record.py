"""`make oracle`: asks PyTorch all cases and writes recorded/, what `make check` compares our torch with.

    build/venv-test/bin/python tests/parity/record.py [part ...]

Parts: the files of cases.py (printing, streams …), the files of the op table (pointwise, reduce …), programs. Says of each
what is new, gone and told otherwise than before: read that before you commit it.
"""
import gzip
import json
import pathlib
import sys

import cases
import live
import mistakes
import programs
import samples
import table

FOLDER = pathlib.Path(__file__).parent / "recorded"
SAMPLES, MISTAKES, PROGRAMS = 160, 60, 400  # an op, an op, a kind
# digits that tell every value of the type apart
DIGITS = {"float16": 5, "bfloat16": 4, "float32": 9}


def shortened(value, digits=17):
    """The answer with no more digits than its dtypes hold."""
    if isinstance(value, list):
        return [shortened(item, digits) for item in value]
    if isinstance(value, dict):
        return {key: shortened(item, DIGITS.get(key.split("[")[0], digits)) for key, item in value.items()}
    return float(f"{value:.{digits}g}") if isinstance(value, float) else value


def parts():
    """{part: [(name of what is tested, code)]}; names group the cases of a test."""
    found = {name: [(name, code) for code in make()] for name, make in cases.FILES.items()}
    for op in table.ops():
        part = found.setdefault(op["where"].split(".")[0], [])
        codes = samples.samples(op, SAMPLES) + mistakes.mistakes(op, MISTAKES)
        part += [(op["name"], code) for code in dict.fromkeys(codes)]
    found["programs"] = [(kind, code) for kind in programs.KINDS for code in programs.collect(kind, PROGRAMS)]
    return found


def read(path):
    """[(name, code, answer)] of a recorded part."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def write(path, rows):
    text = "".join(json.dumps(row, separators=(",", ":"), ensure_ascii=False) + "\n" for row in rows)
    with open(path, "wb") as file, gzip.GzipFile(fileobj=file, mode="wb", compresslevel=9, mtime=0, filename="") as packed:
        packed.write(text.encode())


def tell(part, rows, before):
    """What changed in a part."""
    old = {code: told for _, code, told in before}
    new = {code: told for _, code, told in rows}
    changed = [code for code, told in new.items() if code in old and old[code] != told]
    print(f"{part}: {len(rows)} cases, {len(new.keys() - old.keys())} new, {len(old.keys() - new.keys())} gone, "
          f"{len(changed)} told otherwise")
    for code in changed[:20]:
        print(f"    {code}\n      before {json.dumps(old[code])[:300]}\n      now    {json.dumps(new[code])[:300]}")


def main(wanted):
    peer = live.Worker(live.PEER)
    for part, listed in parts().items():
        if wanted and part not in wanted:
            continue
        path = FOLDER / f"{part}.jsonl.gz"
        rows = [[name, code, shortened(peer.ask(code))] for name, code in listed]
        tell(part, rows, read(path) if path.exists() else [])
        write(path, rows)
    peer.close()
    size = sum(path.stat().st_size for path in FOLDER.iterdir())
    print(f"recorded: {size / 2 ** 20:.2f} MiB")


if __name__ == "__main__":
    main(sys.argv[1:])
