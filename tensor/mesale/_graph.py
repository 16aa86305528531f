"""The graph that backward() would go through, as a picture and as text.

C walks the graph (`torch._C._graph_nodes`); here it becomes items: operations, leaves, and inputs where it is cut. A
large graph is folded: operations made by one line of code become one item where lines were recorded (in notebooks, and by
`record_lines`), and otherwise those of one name and shape, which is what the passes of a loop have in common.
"""
from __future__ import annotations

import contextlib
import linecache
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import _C

from mesale._names import running_shell, variables
from mesale._words import printable, shape_text, size_text, words

FOLD_OVER = 40      # operations; a larger graph is folded unless told otherwise
LEAVES_OVER = 30    # leaves; in a folded graph more of them are grouped by shape
SHOWN_VALUES = 6    # a tensor of more elements is shown by its range
LAYOUT_SECONDS = 20


class Item:
    """One box: its kind ("op", "leaf", "cut"), its lines of text, and the boxes that it is computed from."""

    def __init__(self, kind: str, lines: list[str]) -> None:
        self.kind = kind
        self.lines = lines
        self.inputs: Counter[tuple[Item, str]] = Counter()

    def add(self, item: Item, name: str = "") -> None:
        """The item is an input, of that argument's name where it is known."""
        self.inputs[item, name] += 1


class Graph:
    """What `graph` returns: text with `print`, a picture in a notebook where Graphviz is installed.

    `operations` and `leaves` are counts, `saved_bytes` the bytes of distinct storages that are kept for backward.
    """

    def __init__(self, tensor: torch.Tensor, name: str, names: Mapping[int, str], fold: bool | None) -> None:
        nodes = _C._graph_nodes(tensor)
        operations = [node for node in nodes if node["name"] != "AccumulateGrad"]
        self.operations = len(operations)
        self.leaves = len(nodes) - len(operations)
        self.saved_bytes = sum({s[4]: s[3] for node in nodes for s in node["saved"]}.values())
        self.folded = fold if fold is not None else self.operations > FOLD_OVER
        self.root = Item("root", [f"{name}  {shape_text(tensor.dtype, tensor.shape)}".strip()])
        builder = _Folded if self.folded else _Whole
        if nodes:
            self.root.add(builder(nodes, names).item(0))
        elif tensor.requires_grad:
            self.leaves = 1
            self.root.add(Item("leaf", _leaf_lines(tensor, names)))
        else:
            self.root.add(Item("cut", [_CUTS[_C._is_cut(tensor)]]))

    def head(self) -> str:
        """One line on the whole."""
        count, leaves, kept = self.operations, self.leaves, size_text(self.saved_bytes)
        return words(f"{count} operation{'s' * (count != 1)}, {leaves} {'leaves' if leaves != 1 else 'leaf'}, "
                     f"{kept} kept for backward", f"{count} işlem, {leaves} yaprak, backward için {kept} saklanıyor")

    def dot(self) -> str:
        """The picture in Graphviz's language."""
        return _dot(self.root, self.head())

    def svg(self) -> str | None:
        """The picture as SVG; None where Graphviz's `dot` is not installed or fails."""
        try:
            done = subprocess.run(["dot", "-Tsvg"], input=self.dot().encode(), capture_output=True,
                                  timeout=LAYOUT_SECONDS, check=True)
        except (OSError, subprocess.SubprocessError):
            return None
        text = done.stdout.decode(errors="replace")
        return text[text.find("<svg"):] if "<svg" in text else None

    def __str__(self) -> str:
        return "\n".join([self.head(), *(_list(self.root) if self.folded else _tree(self.root))])

    __repr__ = __str__

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        svg = self.svg()
        return {"text/plain": str(self), **({"image/svg+xml": svg} if svg else {})}


# whether no_grad() cut it off, as far as that is known
_CUTS = {True: words("no graph: made under no_grad", "graf yok: no_grad altında yapıldı"),
         False: words("no graph: a constant, or detached", "graf yok: sabit ya da detach edilmiş"),
         None: words("no graph: a constant, detached, or made under no_grad",
                     "graf yok: sabit, detach edilmiş ya da no_grad altında yapılmış")}


# --- tensors and nodes as lines of text ---


def _value(tensor: torch.Tensor) -> str:
    """The elements of a small tensor, the range of a larger one."""
    with torch.no_grad():
        flat = tensor.detach().as_subclass(torch.Tensor).reshape(-1)
        if flat.numel() <= SHOWN_VALUES:
            texts = [f"{v:.4g}" if isinstance(v, float) else str(v) for v in flat.tolist()]
            return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
        low, high = flat.min().item(), flat.max().item()
        return f"{low:.4g} … {high:.4g}"


def _leaf_lines(leaf: torch.Tensor, names: Mapping[int, str]) -> list[str]:
    grad = leaf.grad
    return [f"{words('leaf', 'yaprak')} {names.get(id(leaf), '')}".strip() + f"  {shape_text(leaf.dtype, leaf.shape)}",
            f"= {_value(leaf)}", f"grad = {_value(grad) if grad is not None else None}"]


def _saved_line(node: Mapping[str, Any], names: Mapping[int, str]) -> list[str]:
    """What the node keeps, as no line or one."""
    if node["freed"]:
        return [words("kept nothing any more: backward() has freed it", "artık bir şey saklamıyor: backward() bıraktı")]
    parts = []
    for name, dtype, sizes, count, _, number, own, weak, _, tensor in node["saved"]:
        label = name or names.get(id(tensor), "") or words("a tensor", "tensör")
        kind = f"= {number:.4g}" if weak else f"{shape_text(dtype, sizes)}, {size_text(count)}"
        parts.append(f"{label}{words(' (its result)', ' (sonucu)') * own} {kind}")
    return [f"{words('keeps', 'saklar:')} {'; '.join(parts)}"] if parts else []


def _op_lines(node: Mapping[str, Any], names: Mapping[int, str]) -> list[str]:
    inner = f" ({node['inner']})" if node["inner"] else ""
    shapes = "; ".join(shape_text(*output) for output in node["outputs"] if output)
    return [f"{printable(node['name'])}{inner}  {shapes}", *_saved_line(node, names)]


def _cut_lines(node: Mapping[str, Any], argument: str | None, names: Mapping[int, str]) -> list[str]:
    """An input without graph; what is known of it comes from what the node saved of that argument."""
    for name, dtype, sizes, _, _, number, _, weak, cut, tensor in node["saved"]:
        if argument and name == argument:
            if weak:
                return [f"{number:.4g}"]
            value = f" = {number:.4g}" if number is not None else ""
            return [f"{names.get(id(tensor), '')} {shape_text(dtype, sizes)}{value}".strip(), _CUTS[cut]]
    return [_CUTS[None]]


def _place(filename: str, line: int) -> str:
    """A line of code with where it is: "In[3], line 2: y = w * x"."""
    name = filename.rpartition("/")[2]
    known = getattr(getattr(running_shell(), "compile", None), "format_code_name", lambda name: None)(filename)
    name = known[1] if known else name
    source = linecache.getline(filename, line).strip()
    return f"{printable(name)}, {words('line', 'satır')} {line}" + (f": {printable(source, 60)}" if source else "")


# --- nodes as items ---


class _Whole:
    """An item for each node, with its line of code where there are several."""

    def __init__(self, nodes: list[dict[str, Any]], names: Mapping[int, str]) -> None:
        self.names = names
        self.placed = len({node["line"] for node in nodes if node["line"]}) > 1
        self.items = [self.make(node) for node in nodes]
        for index, node in enumerate(nodes):
            for task, _, argument in node["edges"]:
                other = self.items[task] if task >= 0 else self.cut(index, node, argument)
                if other is not self.items[index]:
                    self.items[index].add(other, argument or "")

    def make(self, node: dict[str, Any]) -> Item:
        if node["leaf"] is not None:
            return Item("leaf", _leaf_lines(node["leaf"], self.names))
        place = [_place(*node["line"])] if self.placed and node["line"] else []
        return Item("op", _op_lines(node, self.names) + place)

    def cut(self, index: int, node: dict[str, Any], argument: str | None) -> Item:
        return Item("cut", _cut_lines(node, argument, self.names))

    def item(self, index: int) -> Item:
        """That of a node's number."""
        return self.items[index]


class _Folded(_Whole):
    """An item for all nodes of one line, or else of one name and shape."""

    def __init__(self, nodes: list[dict[str, Any]], names: Mapping[int, str]) -> None:
        self.groups: dict[Any, tuple[Item, list[dict[str, Any]]]] = {}
        self.cuts: dict[Item, Item] = {}
        self.many_leaves = sum(node["leaf"] is not None for node in nodes) > LEAVES_OVER
        super().__init__(nodes, names)
        for key, (item, members) in self.groups.items():
            item.lines = self.lines(key, members)

    def make(self, node: dict[str, Any]) -> Item:
        leaf = node["leaf"]
        if leaf is not None and not self.many_leaves:
            return super().make(node)
        if leaf is not None:
            key: Any = ("leaf", shape_text(leaf.dtype, leaf.shape))
        elif node["line"]:
            key = ("line", *node["line"])
        else:
            key = ("op", node["name"], tuple(shape_text(*output) for output in node["outputs"] if output))
        item, members = self.groups.setdefault(key, (Item("leaf" if leaf is not None else "op", []), []))
        members.append(node)
        return item

    def cut(self, index: int, node: dict[str, Any], argument: str | None) -> Item:
        return self.cuts.setdefault(self.items[index], Item("cut", [_CUTS[None]]))

    def lines(self, key: Any, members: list[dict[str, Any]]) -> list[str]:
        """The text of a group."""
        if key[0] == "leaf":
            return [f"{len(members)} × {words('leaf', 'yaprak')}  {key[1]}"]
        kept = sum({s[4]: s[3] for node in members for s in node["saved"]}.values())
        lines = [words(f"keep {size_text(kept)}", f"{size_text(kept)} saklar")] if kept else []
        if key[0] == "op":
            return [f"{len(members)} × {printable(key[1])}  {'; '.join(key[2])}", *lines]
        counts = Counter(node["name"] for node in members)
        names = ", ".join(f"{count} × {printable(name)}" for name, count in counts.most_common(4))
        return [_place(*key[1:]), names + (", …" if len(counts) > 4 else ""), *lines]


# --- items as text ---


def _tree(root: Item) -> Iterator[str]:
    """Lines of the tree of what the root is computed from. The only operation among an item's inputs comes last and
    stays in its column, so that long chains do not wander off; an item that comes again is only named."""
    uses = Counter(item for one in _all(root) for item, _ in one.inputs)
    numbers: dict[Item, int] = {}
    waiting: list[tuple[Item, str, str, str]] = [(root, "", "", "")]
    while waiting:
        item, start, indent, argument = waiting.pop()
        again = item in numbers
        numbers.setdefault(item, len(numbers) + 1)
        mark = f"#{numbers[item]} " if uses[item] > 1 else ""
        label = f"{argument}: " if argument and item.kind == "cut" else ""
        lines = [item.lines[0].partition("  ")[0], words("see above", "yukarıda")] if again else item.lines
        yield f"{start}{mark}{label}{'  '.join(lines)}"
        inputs = [] if again else sorted(item.inputs, key=lambda one: one[0].kind == "op")
        chain = sum(one.kind == "op" for one, _ in inputs) == 1
        for place, (other, name) in reversed(list(enumerate(inputs))):
            last = place == len(inputs) - 1
            if last and chain:
                waiting.append((other, indent + "← ", indent, name))
            else:
                waiting.append((other, indent + ("└─ " if last else "├─ "), indent + ("   " if last else "│  "), name))


def _all(root: Item) -> list[Item]:
    """Every item, the root first."""
    found, waiting = {root: None}, [root]
    while waiting:
        for item, _ in waiting.pop().inputs:
            if item not in found:
                found[item] = None
                waiting.append(item)
    return list(found)


def _list(root: Item) -> Iterator[str]:
    """Lines of a folded graph, whose groups may depend on each other in circles: each with its number and inputs."""
    items = _all(root)
    numbers = {item: number for number, item in enumerate(items)}
    for item in items:
        inputs: Counter[int] = Counter()
        for (other, _), count in item.inputs.items():
            inputs[numbers[other]] += count
        sources = ", ".join(f"#{n}" + (f" × {count}" if count > 1 else "") for n, count in inputs.items())
        yield f"#{numbers[item]} {'  '.join(item.lines)}" + (f"  ← {sources}" if sources else "")


# --- items as a picture ---

# colours that are readable on light and dark pages: each box has its own ground, lines are grey
_STYLES = {"root": 'fillcolor="#ffe9b8"', "op": 'fillcolor="#dbe7f7"', "leaf": 'fillcolor="#d5efd5"',
           "cut": 'fillcolor="#eeeeee" style="filled,rounded,dashed"'}


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _dot(root: Item, title: str) -> str:
    items = _all(root)
    numbers = {item: number for number, item in enumerate(items)}
    lines = [f'digraph "{_quoted(title)}" {{',
             f'graph [bgcolor="transparent" label="{_quoted(title)}" fontcolor="#888888" fontname="sans-serif"'
             ' fontsize=11];',
             'node [shape=box style="filled,rounded" color="#888888" fontcolor="#111111" fontname="sans-serif"'
             ' fontsize=11];',
             'edge [color="#888888" fontcolor="#888888" fontname="sans-serif" fontsize=10];']
    for item, number in numbers.items():
        text = "\\n".join(_quoted(printable(line)) for line in item.lines)
        lines.append(f'n{number} [label="{text}" {_STYLES[item.kind]}];')
        for (other, name), count in item.inputs.items():
            style = " style=dashed" if other.kind == "cut" else ""
            label = " ".join([name] * (len(item.inputs) > 1) + [f"× {count}"] * (count > 1))
            lines.append(f'n{numbers[other]} -> n{number} [label="{_quoted(label)}"{style}];')
    return "\n".join([*lines, "}\n"])


# --- what users call ---


def graph(tensor: torch.Tensor, *, names: Mapping[str, torch.Tensor] | None = None, fold: bool | None = None) -> Graph:
    """The graph that `tensor.backward()` would go through.

    names: what to call tensors ({"w": w}); the caller's variables are known without it. fold: whether operations of one
    line, or else of one name and shape, become one box; by itself for graphs of more than 40 operations.

    Leaves are shown with value and gradient, operations with the shape of their result and what they keep for backward,
    and inputs that no gradient reaches, made under no_grad for example, as what cuts the graph.
    """
    known = variables(sys._getframe(1))
    known.update((id(value), printable(name)) for name, value in (names or {}).items())
    return Graph(tensor, known.get(id(tensor), ""), known, fold)


@contextlib.contextmanager
def record_lines(enabled: bool = True, /) -> Iterator[None]:
    """Inside the with block new operations remember the line of code that made them, which `graph` then shows. In
    notebooks they always do, but inside `with record_lines(False):`."""
    before = _C._record_lines(enabled)
    try:
        yield
    finally:
        _C._record_lines(before)
