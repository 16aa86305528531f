"""What a stretch of code costs: the report of %%trace and of `mesale.trace()`. C counts (tensor/trace.h)."""
from __future__ import annotations

import ast
import html
import sys
import time
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

from torch import _C

from mesale._words import printable, size_text, time_text, words

OPS_SHOWN = 8   # operations listed by name, those that took longest


class trace:
    """Counts what is computed inside a with block: `with mesale.trace() as report: …`, then `print(report)`.

    Afterwards `ops` lists (name, calls, calls by backward, nanoseconds), the longest first; `calls` and `seconds` are
    their sums, `wall` the seconds of the whole block; `nodes` counts recorded operations, `kept_bytes` is the most that
    they kept for backward at once and `left_bytes` what they keep still, in bytes of distinct storages; `start_bytes`
    and `peak_bytes` are the bytes of live tensors in main memory before, and at most. What the thread of the with
    block computes counts; an operation that is made of others counts once.
    """

    ops: list[tuple[str, int, int, int]]
    nodes = kept_bytes = left_bytes = start_bytes = peak_bytes = calls = 0
    seconds = wall = 0.0
    shown: Callable[[trace], object] | None = None    # called with the report at the end

    def __init__(self) -> None:
        self.ops = []

    def __enter__(self) -> trace:
        _C._trace_begin()
        self.wall = -time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall += time.perf_counter()
        self.__dict__.update(_C._trace_end())
        self.calls = sum(op[1] for op in self.ops)
        self.seconds = sum(op[3] for op in self.ops) / 1e9
        if self.shown is not None:
            self.shown(self)

    def _rows(self) -> list[tuple[str, str]]:
        backward = sum(op[2] for op in self.ops)
        of_backward = words(f" ({backward} by backward)", f" ({backward} tanesi backward'da)") if backward else ""
        left = words(f", {size_text(self.left_bytes)} at the end", f", sonunda {size_text(self.left_bytes)}")
        grown = self.peak_bytes - self.start_bytes
        return [
            (words("operations run", "çalıştırılan işlem"), f"{self.calls}{of_backward}"),
            (words("time in them", "bunlarda geçen süre"),
             words(f"{time_text(self.seconds)} of {time_text(self.wall)}",
                   f"{time_text(self.wall)} içinde {time_text(self.seconds)}")),
            (words("nodes recorded", "kaydedilen düğüm"), str(self.nodes)),
            (words("kept for backward", "backward için saklanan"),
             size_text(self.kept_bytes) + left * (self.left_bytes != self.kept_bytes)),
            (words("peak memory of tensors", "en yüksek tensör belleği"),
             f"{size_text(self.peak_bytes)} (+{size_text(grown)})"),
        ]

    def _op_rows(self) -> list[tuple[str, str, str]]:
        rows = [(printable(name), str(calls), time_text(count / 1e9)) for name, calls, _, count in self.ops[:OPS_SHOWN]]
        rest = self.ops[OPS_SHOWN:]
        if rest:
            more = words(f"{len(rest)} more", f"{len(rest)} işlem daha")
            rows.append((more, str(sum(op[1] for op in rest)), time_text(sum(op[3] for op in rest) / 1e9)))
        return rows

    def __repr__(self) -> str:
        table = [list(row) for row in self._rows()]
        texts = [_columns(table)]
        if self.ops:
            texts.append(_columns([list(_OP_TITLES), *map(list, self._op_rows())]))
        return "\n\n".join(texts)

    def _repr_html_(self) -> str:
        cell = 'style="text-align:left;padding:2px 8px"'
        rows = "".join(f'<tr><th scope="row" {cell}>{html.escape(name)}</th><td {cell}>{html.escape(text)}</td></tr>'
                       for name, text in self._rows())
        parts = [f"<table><caption>{words('What it cost', 'Neye mal oldu')}</caption>{rows}</table>"]
        if self.ops:
            head = "".join(f'<th scope="col" {cell}>{html.escape(title)}</th>' for title in _OP_TITLES)
            body = "".join("<tr>" + "".join(f"<td {cell}>{html.escape(text)}</td>" for text in row) + "</tr>"
                           for row in self._op_rows())
            title = words("Operations, the longest first", "İşlemler, en uzunu önce")
            parts.append(f"<details><summary>{title}</summary><table><thead><tr>{head}</tr></thead>"
                         f"<tbody>{body}</tbody></table></details>")
        return f"<div>{''.join(parts)}</div>"


_OP_TITLES = (words("operation", "işlem"), words("calls", "çağrı"), words("time", "süre"))


def _columns(rows: list[list[str]]) -> str:
    """Rows of text, their columns in line."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip() for row in rows)


def _number(shell: Any) -> int:
    """The number of the cell that runs: the counter may stand at the next one already."""
    numbers = getattr(shell.compile, "_filename_map", {})
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_code.co_filename in numbers:
            return int(numbers[frame.f_code.co_filename])
        frame = frame.f_back
    return int(shell.execution_count)


def _compiled(shell: Any, cell: str) -> list[CodeType]:
    """A cell's text as code: its statements, and the expression at its end if there is one."""
    __tracebackhide__ = True
    source = shell.transform_cell(cell)
    name = shell.compile.cache(source, _number(shell), raw_code=cell)
    tree = shell.transform_ast(shell.compile.ast_parse(source, filename=name))
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    parts = [shell.compile(tree, name, "exec")]
    return [*parts, shell.compile(ast.Expression(last.value), name, "eval")] if last else parts


def cell_magic(shell: Any) -> Callable[[str, str], object]:
    """The magic %%trace of an IPython shell."""
    from IPython.core.magic import no_var_expand, output_can_be_silenced

    @no_var_expand
    @output_can_be_silenced
    def trace_cell(line: str, cell: str) -> object:
        """Runs the cell and shows what it cost: operations, nodes recorded, bytes kept for backward, peak memory.

        %%trace
        """
        __tracebackhide__ = True
        from IPython.display import display
        report, value = trace(), None
        parts = _compiled(shell, cell)
        with report:
            report.shown = display
            for part in parts:
                value = eval(part, shell.user_ns)
        return value

    return trace_cell
