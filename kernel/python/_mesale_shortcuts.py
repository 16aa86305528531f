"""What IPython does for every cell, without the steps that cannot change anything.

All take the long way wherever somebody could see a difference: another transformer, a printer that
was registered, a type of one's own.
"""
from IPython.core.formatters import DisplayFormatter as _DisplayFormatter
from IPython.core.inputtransformer2 import TransformerManager

_TRANSFORMERS = TransformerManager().token_transformers

# their instances have no methods like _repr_html_, and nobody can give them one
_PLAIN = frozenset({int, float, complex, bool, str, bytes, list, tuple, dict, set, frozenset, type(None)})


def _has_no_command(lines):
    """Whether no line can hold a magic, a shell command or a question: IPython looks for their signs
    among the tokens of the cell, and these are not in its text."""
    text = "".join(lines)
    if "%" in text or "!" in text or "?" in text:
        return False
    return not any(line.lstrip()[:1] in {",", ";", "/"} for line in lines)


def _steps_back_to_blocks(lines):
    """Whether each line that is indented less than the one before it begins where a block began: others
    IPython's tokenizer refuses, before the compiler does and in other words. Unsure, it says no."""
    columns, opens, depth = [0], True, 0
    for line in lines:
        code = line.lstrip(" \t")
        if not code or code[0] in "#\r\n":
            continue
        if depth == 0:
            column = len(line[:-len(code)].expandtabs())
            if code[0] == "\f" or (column > columns[-1] and not opens):
                return False
            if column > columns[-1]:
                columns.append(column)
            while column < columns[-1]:
                columns.pop()
            if column != columns[-1]:
                return False
        depth += sum(map(code.count, "([{")) - sum(map(code.count, ")]}"))
        opens = code.partition("#")[0].rstrip().endswith(":")
    return depth == 0


class Transformers(TransformerManager):
    def do_token_transforms(self, lines):
        if self.token_transformers == _TRANSFORMERS and _has_no_command(lines) and _steps_back_to_blocks(lines):
            return lines
        return super().do_token_transforms(lines)


def cannot_await(cell):
    """IPython compiles a cell to learn whether it awaits: without these words none does."""
    return cell is not None and "await" not in cell and "async" not in cell


class DisplayFormatter(_DisplayFormatter):
    """A number or a list of them is shown as text alone, unless somebody registered a printer."""

    _others = _printers = None

    def format(self, obj, include=None, exclude=None):
        kind = type(obj)
        if include or exclude or kind not in _PLAIN or self._has_printer(obj, kind.__mro__):
            return super().format(obj, include, exclude)
        text = self.formatters["text/plain"](obj)
        return ({} if text is None else {"text/plain": text}), {}

    def _has_printer(self, obj, types):
        if self._others != [*self.formatters.values()] or self._printers is None:
            self._look_up()
        for by_type, by_object, by_name in self._printers:
            if id(obj) in by_object or not by_type.keys().isdisjoint(types):
                return True
            if by_name and any((t.__module__, t.__name__) in by_name for t in types):
                return True
        return False

    def _look_up(self):
        """The tables are asked for once: traits are slow, and there are dozens."""
        self._others = [*self.formatters.values()]
        self._printers = []
        for formatter in (self.ipython_display_formatter, self.mimebundle_formatter, *self._others):
            if formatter is self.formatters.get("text/plain"):
                continue
            names = ("type_printers", "singleton_printers", "deferred_printers")
            self._printers.append([getattr(formatter, name) for name in names])
            formatter.observe(self._forget, names)
        if "text/plain" not in self.formatters:
            self._printers.append(({object: None}, {}, {}))

    def _forget(self, change):
        self._printers = None
