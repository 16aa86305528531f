"""What a frame of live training looks like, as a line of text and as HTML."""
from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING

from mesale._words import shape_text, time_text, words

if TYPE_CHECKING:
    from mesale._watch import Parameter, watch

COLUMNS = 80        # of the loss curve
SPARKS = 20         # of that in text
HEIGHT = 72         # pixels of the curve
ROWS = 16           # tensors listed; those with something wrong first
FLAT = 1e-6         # losses that differ by less than this share are one
LOGARITHMIC = 50    # a curve whose losses differ by more times is drawn by their logarithms

# middle tones, which stand out on light and dark pages alike
_BLUE, _RED, _GREY = "#4a86c5", "#d9534f", "#888888"

_FLAGS = {
    "dead": words("dead: the gradient is zero", "ölü: gradyan sıfır"),
    "none": words("no gradient", "gradyan yok"),
    "exploding": words("exploding", "patlıyor"),
    "not finite": words("not finite", "sonlu değil"),
}


def _thinned(points: list[float], most: int) -> list[float]:
    """At most that many points: means of neighbours."""
    if len(points) <= most:
        return points
    edges = [len(points) * i // most for i in range(most + 1)]
    return [sum(points[a:b]) / (b - a) for a, b in zip(edges, edges[1:])]


def _heights(points: list[float]) -> tuple[list[float | None], bool]:
    """Each point as a share of the range, None where it is not finite; and whether of logarithms."""
    finite = [p for p in points if math.isfinite(p)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 0.0)
    logarithmic = low > 0 and high > LOGARITHMIC * low
    if logarithmic:
        points = [math.log(p) if math.isfinite(p) else p for p in points]
        low, high = math.log(low), math.log(high)
    width = high - low
    flat = width <= FLAT * max(abs(low), abs(high))
    return [(0.5 if flat else (p - low) / width) if math.isfinite(p) else None for p in points], logarithmic


def _number(value: float) -> str:
    return f"{value:.4g}"


def _state(live: watch) -> list[str]:
    """Where the training is: steps, percent, times."""
    share = f" / {live.total}" if live.total is not None else ""
    parts = [f"{words('step', 'adım')} {live.done}{share}"]
    if live.total:
        parts.append(words(f"{100 * live.done // live.total} %", f"% {100 * live.done // live.total}"))
    parts.append(time_text(live.seconds))
    if live.left is not None and not live.ended:
        parts.append(words(f"{time_text(live.left)} left", f"kalan {time_text(live.left)}"))
    if live.ended and live.total is not None and live.done < live.total:
        parts.append(words("stopped", "durdu"))
    return parts


def _loss_text(live: watch) -> str:
    curve = live.curve
    if not curve.steps:
        return ""
    bad = words(f" (not finite since step {curve.bad})", f" ({curve.bad}. adımdan beri sonlu değil)")
    return f"{words('loss', 'kayıp')} {_number(curve.last)}" + bad * (curve.bad is not None)


def text_frame(live: watch) -> str:
    """The frame as one line."""
    parts = ["  ".join(_state(live))]
    if live.total:
        filled = min(20 * live.done // live.total, 20)
        parts.append("▕" + "█" * filled + "░" * (20 - filled) + "▏")
    heights, _ = _heights(_thinned(live.curve.shown(), SPARKS))
    sparks = "".join("×" if h is None else "▁▂▃▄▅▆▇█"[round(7 * h)] for h in heights)
    parts += [part for part in (_loss_text(live), sparks) if part]
    parts += [f"⚠ {name}: {_FLAGS[flag]}" for name, flag in list(live.flags().items())[:3]]
    return "  ".join(parts)


# --- HTML ---


def _bars(live: watch) -> str:
    """The loss curve as columns, each with its value as a tooltip."""
    points = _thinned(live.curve.shown(), COLUMNS)
    if not points:
        return ""
    heights, logarithmic = _heights(points)
    bars = []
    for value, height in zip(points, heights):
        pixels = HEIGHT if height is None else 2 + round((HEIGHT - 2) * height)
        colour = _RED if height is None else _BLUE
        bars.append(f'<span title="{_number(value)}" style="display:inline-block;width:6px;height:{pixels}px;'
                    f'background-color:{colour};vertical-align:bottom"></span>')
    finite = [p for p in points if math.isfinite(p)]
    between = f"{_number(min(finite))} … {_number(max(finite))}" if finite else ""
    scale = words(" (logarithmic)", " (logaritmik)") if logarithmic else ""
    title = html.escape(f"{_loss_text(live)}: {between}{scale}")
    return (f"<div>{title}</div>"
            f'<div title="{title}" style="height:{HEIGHT}px;border-bottom:1px solid {_GREY};white-space:nowrap;'
            f'overflow:hidden;line-height:{HEIGHT}px">{"".join(bars)}</div>')


def _row(one: Parameter, flag: str, largest: float) -> str:
    """A tensor's line: name, shape, norm as a number and as a bar, what is wrong."""
    norm = one.norms[-1] if one.norms else None
    number = "–" if norm is None else _number(norm)
    share = norm / largest if norm and math.isfinite(norm) and largest else 0.0
    bar = (f'<span style="display:inline-block;width:{round(100 * share)}px;height:8px;'
           f'background-color:{_RED if flag else _BLUE}"></span>')
    cell = 'style="text-align:left;padding:1px 8px"'
    warning = f'<b style="color:{_RED}">⚠ {_FLAGS[flag]}</b>' if flag else ""
    return (f'<tr><th scope="row" {cell}>{html.escape(one.name)}</th>'
            f"<td {cell}>{html.escape(shape_text(one.tensor.dtype, one.tensor.shape))}</td>"
            f"<td {cell}>{number}</td><td {cell}>{bar}</td><td {cell}>{warning}</td></tr>")


def _table(live: watch) -> str:
    """The gradients, those with something wrong first, then by their norms."""
    flags = live.flags()
    rows = sorted(live.parameters, key=lambda one: (one.name not in flags, -((one.norms and one.norms[-1]) or 0.0)))
    norms = [one.norms[-1] for one in live.parameters if one.norms and one.norms[-1]]
    largest = max((norm for norm in norms if math.isfinite(norm)), default=0.0)
    titles = (words("tensor", "tensör"), words("shape", "biçim"), words("gradient norm", "gradyan normu"), "", "")
    head = "".join(f'<th scope="col" style="text-align:left;padding:1px 8px">{title}</th>' for title in titles)
    body = "".join(_row(one, flags.get(one.name, ""), largest) for one in rows[:ROWS])
    more = len(rows) - ROWS
    rest = f"<div>{words(f'and {more} more', f've {more} tane daha')}</div>" if more > 0 else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{rest}" if rows else ""


def html_frame(live: watch) -> str:
    """The frame as HTML: elements and styles that a sanitiser leaves."""
    state = html.escape(" · ".join(_state(live)))
    bar = f'<progress value="{min(live.done, live.total)}" max="{live.total}" title="{state}"></progress> ' \
        if live.total else ""
    return f"<div><div>{bar}<b>{state}</b></div>{_bars(live)}{_table(live)}</div>"
