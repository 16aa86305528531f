"""Live training: a frame that is drawn anew in place while a loop trains.

    live = mesale.watch([w, b], steps=1000)
    for step in live:
        …
        loss.backward()
        live.log(loss)

A step costs a few calls; all else happens when a frame is due, at most three times a second and so seldom that frames
take at most 1.5 % of the time. The page of a frame is static HTML of elements and inline styles that JupyterLab also
shows in a notebook that is not trusted, where it takes SVG and scripts away.
"""
from __future__ import annotations

import itertools
import math
import statistics
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from typing import Any

import torch

from mesale._frame import html_frame, text_frame
from mesale._names import running_shell, variables
from mesale._words import printable

INTERVAL = 0.34         # seconds between frames: with the last one, which does not wait, at most 4 in any second
SHARE = 0.015           # of the time may go to frames
FILE_INTERVAL = 5.0     # seconds between lines in a file or pipe
BUCKETS = 512           # points of the loss curve that are kept; pairs are joined beyond that
PIECES = 128            # points that one frame adds at most
DEAD_FRAMES = 3         # frames in a row without any gradient
EXPLODING = 100.0       # times the median of earlier norms
EARLIER = 5             # norms that the median needs

class Curve:
    """The mean loss of equal runs of steps, at most BUCKETS of them."""

    def __init__(self) -> None:
        self.points: list[float] = []
        self.run = 1                    # steps a point
        self.sum, self.count = 0.0, 0   # of the point that is being made
        self.last = math.nan
        self.steps = 0
        self.bad: int | None = None     # the first step whose loss is not finite

    def extend(self, values: list[float]) -> None:
        """The losses of further steps: whole runs are summed at once, and runs made longer where there are many, since
        a training may have very many steps."""
        while len(values) > PIECES * self.run:
            self._widen()
        at = 0
        while at < len(values):
            part = values[at:at + self.run - self.count]
            at += len(part)
            self._add(part)
        if values:
            self.last = values[-1]

    def _add(self, part: list[float]) -> None:
        """Steps of the point that is being made, at most as many as it lacks."""
        total = sum(part)
        if self.bad is None and not math.isfinite(total):
            self.bad = next((self.steps + i for i, v in enumerate(part, 1) if not math.isfinite(v)), None)
        self.steps += len(part)
        self.sum += total
        self.count += len(part)
        if self.count == self.run:
            self.points.append(self.sum / self.count)
            self.sum, self.count = 0.0, 0
            if len(self.points) == BUCKETS:
                self._widen()

    def _widen(self) -> None:
        """Joins runs in pairs; one that is left over begins the point that is being made."""
        if len(self.points) % 2:
            self.sum += self.points.pop() * self.run
            self.count += self.run
        self.points = [(a + b) / 2 for a, b in zip(self.points[::2], self.points[1::2])]
        self.run *= 2

    def shown(self) -> list[float]:
        """The points, with that of the steps that are not a whole run yet."""
        return [*self.points, self.sum / self.count] if self.count else self.points


class Parameter:
    """A watched tensor: its name and the norms that its gradient had at the frames, None where it had none."""

    def __init__(self, name: str, tensor: torch.Tensor) -> None:
        self.name = name
        self.tensor = tensor
        self.norms: deque[float | None] = deque(maxlen=64)

    def norm(self) -> float | None:
        """The norm that the gradient has now, computed in float32 or better; None without a gradient."""
        grad = self.tensor.grad
        if grad is None:
            return None
        wide = torch.float64 if grad.dtype == torch.float64 else torch.float32
        return float(torch.linalg.vector_norm(grad.detach().as_subclass(torch.Tensor), dtype=wide))

    def flag(self, final: bool = False) -> str:
        """What is wrong: "", "not finite", "exploding", "dead" (the gradient is zero) or "none" (there is none)."""
        norms = list(self.norms)
        if not norms:
            return ""
        last, recent = norms[-1], norms[-DEAD_FRAMES:]
        if last is not None and not math.isfinite(last):
            return "not finite"
        enough = final or len(recent) == DEAD_FRAMES
        if enough and all(norm is None for norm in recent):
            return "none"
        if enough and all(norm == 0 for norm in recent):
            return "dead"
        earlier = [norm for norm in norms[:-1] if norm is not None and math.isfinite(norm)]
        if last and len(earlier) >= EARLIER and last > EXPLODING * statistics.median(earlier) > 0:
            return "exploding"
        return ""


def _named(parameters: Any, known: Mapping[int, str]) -> list[Parameter]:
    """What is to be watched, in whatever form it was given, with names."""
    if hasattr(parameters, "named_parameters"):
        parameters = parameters.named_parameters()
    items = [parameters] if isinstance(parameters, torch.Tensor) else \
        list(parameters.items()) if isinstance(parameters, Mapping) else list(parameters)
    found = []
    for number, item in enumerate(items):
        name, tensor = item if isinstance(item, tuple) and len(item) == 2 else (None, item)
        if not isinstance(tensor, torch.Tensor):
            raise TypeError(f"watch(): parameters must be tensors, not {type(tensor).__name__}")
        given = known.get(id(tensor), f"[{number}]") if name is None else printable(str(name))
        found.append(Parameter(given, tensor))
    return found


class watch:
    """Watches tensors while a loop trains them: the loss curve, the norms of their gradients, those that are dead or
    explode, and with a known number of steps a progress bar and the time left.

    parameters: tensors with gradients, as a list, a dict by name, pairs of name and tensor, one tensor, or what has
    named_parameters(). loss: a function without arguments that gives the loss of the step that just ended, as a number
    or a tensor of one element; without it call `log(loss)` in each step. steps: how many there are, or what to go
    through.

    Iterating gives the steps' numbers, or the items of `steps`; breaking out ends it. For a loop of another form there
    is `with mesale.watch(…) as live:` and `live.step(loss)` after each step. Gradients are read when a step ends, or
    where they have been cleared by then, when the next loss is logged.

    In a notebook one output is updated in place, at most 4 times a second; in a terminal one line is.
    """

    def __init__(self, parameters: Any, loss: Callable[[], Any] | None = None, *,
                 steps: int | Iterable[Any] | None = None) -> None:
        if loss is not None and not callable(loss):
            raise TypeError("watch(): loss must be a function that gives the loss; a loss itself goes to log()")
        self.parameters = _named(parameters, variables(sys._getframe(1)))
        self.curve = Curve()
        self.done = 0
        self.total = steps if isinstance(steps, int) else len(steps) if isinstance(steps, Sized) else None
        self.frames = 0
        self.frame_seconds = 0.0    # that frames have taken
        self.begun = self.ended = 0.0
        self._steps = itertools.count() if steps is None else range(steps) if isinstance(steps, int) else steps
        self._loss = loss
        self._pending: list[Any] = []   # losses since the last frame; tensors while they are on a GPU
        self._add = self._pending.append
        self._plain = None if any(one.tensor.is_cuda for one in self.parameters) else torch.Tensor
        self._due = math.inf
        self._wanted = False            # a frame is due, and gradients that it can show are still to come
        self._norms: list[float | None] = []
        self._output: Any = None

    # --- the loop ---

    def __enter__(self) -> watch:
        self.begun = time.perf_counter()
        self._output = _output()
        self._draw()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended = time.perf_counter()
        self._draw()
        self._output.close()

    def __iter__(self) -> Iterator[Any]:
        clock = time.perf_counter
        with self:
            for item in self._steps:
                yield item
                if self._loss is not None:
                    self.log(self._loss())
                self.done += 1
                if clock() >= self._due:
                    self._step_due()

    def log(self, loss: Any) -> None:
        """Notes a step's loss, a number or a tensor of one element; on a GPU it is read when a frame is due."""
        if loss.__class__ is self._plain:
            self._add(loss.item())
        elif isinstance(loss, torch.Tensor):
            self._add(loss.detach() if loss.is_cuda else loss.item())
        else:
            self._add(float(loss))
        if self._wanted:
            self._measure()

    def step(self, loss: Any = None) -> None:
        """A step has ended, with that loss unless it was logged."""
        if loss is not None:
            self.log(loss)
        elif self._loss is not None:
            self.log(self._loss())
        self.done += 1
        if time.perf_counter() >= self._due:
            self._step_due()

    # --- frames ---

    def _measure(self) -> bool:
        """Notes the norms, unless there are none and earlier ones were noted. Whether there are gradients to show."""
        begin = time.perf_counter()
        with torch.no_grad():
            norms = [parameter.norm() for parameter in self.parameters]
        if any(norms) or not any(self._norms):
            self._norms = norms
        self.frame_seconds += time.perf_counter() - begin
        return any(self._norms)

    def _step_due(self) -> None:
        """Draws at the end of a step. Where the step has cleared the gradients already, the next log() sees them, and
        the frame waits for the end of that step."""
        if self._measure() or self._wanted or not self.parameters:
            self._draw()
        else:
            self._wanted = True

    def _read_losses(self) -> None:
        """Moves what was logged to the curve."""
        values = self._pending[:]
        self._pending.clear()
        if any(isinstance(value, torch.Tensor) for value in values):
            values = [float(value) for value in torch.stack([torch.as_tensor(v).reshape(()) for v in values]).tolist()]
        self.curve.extend(values)

    def _draw(self) -> None:
        """Shows the present state, and says when the next frame is due."""
        begin, before = time.perf_counter(), self.frame_seconds
        self._read_losses()
        if self.done and not self._norms:
            self._measure()
        if self._norms:
            for parameter, norm in zip(self.parameters, self._norms):
                parameter.norms.append(norm)
        self._output.show(self)
        self._norms, self._wanted = [], False
        self.frames += 1
        now = time.perf_counter()
        self.frame_seconds = before + now - begin
        # what went to frames in all, this one included, must be a small share by the time of the next
        self._due = max(now + self._output.interval, self.begun + self.frame_seconds / SHARE)

    @property
    def seconds(self) -> float:
        """Since the beginning, until the end."""
        return (self.ended or time.perf_counter()) - self.begun

    @property
    def left(self) -> float | None:
        """Seconds to the end, if the number of steps is known and one is done."""
        if self.total is None or not self.done:
            return None
        return max(self.total - self.done, 0) * self.seconds / self.done

    def flags(self) -> dict[str, str]:
        """The tensors with which something is wrong, by name: "dead" (the gradient is zero), "none" (there is none),
        "exploding" or "not finite"."""
        flags = {one.name: one.flag(bool(self.ended)) for one in self.parameters}
        return {name: flag for name, flag in flags.items() if flag}

    def __repr__(self) -> str:
        return text_frame(self)

    def _repr_html_(self) -> str:
        return html_frame(self)


# --- where frames are shown ---


class _Page:
    """One output of a notebook, updated in place."""

    interval = INTERVAL

    def __init__(self) -> None:
        self.handle: Any = None

    def show(self, live: watch) -> None:
        from IPython.display import display
        data = {"text/plain": text_frame(live), "text/html": html_frame(live)}
        if self.handle is None:
            self.handle = display(data, raw=True, display_id=True)
        else:
            self.handle.update(data, raw=True)

    def close(self) -> None:
        """Nothing is left open."""


class _Terminal:
    """One line that is written over."""

    interval = INTERVAL

    def show(self, live: watch) -> None:
        print(f"\r{text_frame(live)}\x1b[K", end="", flush=True)

    def close(self) -> None:
        print()


class _Lines:
    """A line now and then, in a file or a pipe; none before the first step."""

    interval = FILE_INTERVAL

    def show(self, live: watch) -> None:
        if live.done:
            print(text_frame(live), flush=True)

    def close(self) -> None:
        """Nothing is left open."""


def _output() -> _Page | _Terminal | _Lines:
    if getattr(running_shell(), "kernel", None) is not None:
        return _Page()
    return _Terminal() if sys.stdout.isatty() else _Lines()
