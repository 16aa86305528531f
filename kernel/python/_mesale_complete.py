"""Completion and inspection: what is alive first, read from the objects themselves, and IPython's
own completer for all the rest (or at once, if the user has switched jedi on).
"""
import builtins
import contextlib
import inspect as _inspect
import keyword
import os
import pkgutil
import re
import sys
import time
import types

import _mesale_live
import _mesale_signatures
import _mesale_source

from IPython.core import oinspect

_SIGNATURES_S = 0.002   # so long signatures of Python functions are looked for
_FILES = 1000
_UNICODE_NAME = re.compile(r"\\[A-Z][A-Z ]*$")     # \GREEK SMALL LETTER ALPHA


# --- kinds of things ------------------------------------------------------------------------------

_KINDS = {types.FunctionType: "function", types.BuiltinFunctionType: "function",
          types.MethodDescriptorType: "function", types.WrapperDescriptorType: "function",
          types.MethodType: "function", types.ClassMethodDescriptorType: "function",
          staticmethod: "function", classmethod: "function", types.ModuleType: "module",
          types.GetSetDescriptorType: "property", types.MemberDescriptorType: "property",
          property: "property", type: "class"}


def _kind(thing):
    """The type that front ends show an icon for."""
    kind = _KINDS.get(type(thing))
    if kind is not None:
        return kind
    if isinstance(thing, type):
        return "class"
    if isinstance(thing, types.ModuleType):
        return "module"
    return "function" if _inspect.isroutine(thing) else "instance"


class _Found:
    """Completions, one after another."""

    def __init__(self, start, end):
        self.start, self.end = start, end
        self.list = []
        self._deadline = time.perf_counter() + _SIGNATURES_S

    def add(self, text, kind, signature=""):
        self.list.append({"start": self.start, "end": self.end, "text": text, "type": kind,
                          "signature": signature})

    def add_thing(self, text, thing, is_method=False):
        kind = _kind(thing)
        has_signature = kind == "function" or kind == "class"
        self.add(text, kind, self._signature(thing, is_method) if has_signature else "")

    def _signature(self, thing, is_method):
        try:
            known = _signatures.get(thing)
        except TypeError:
            return ""
        if known is None:
            builtin = _mesale_signatures.is_builtin(thing)
            if not builtin and time.perf_counter() > self._deadline:
                return ""
            bound = is_method and not isinstance(thing, staticmethod)
            known = _mesale_signatures.signature(getattr(thing, "__func__", thing), bound)
            if builtin:
                _signatures[thing] = known
        return known

    def reply(self):
        return {"status": "ok", "matches": [one["text"] for one in self.list],
                "cursor_start": self.list[0]["start"] if self.list else self.end,
                "cursor_end": self.end,
                "metadata": {"_jupyter_types_experimental": self.list} if self.list else {}}


_signatures = {}    # of functions written in C, which are there for good


# --- what is alive --------------------------------------------------------------------------------

def _fitting(names, prefix):
    """Names that begin with an underscore are for those who ask for them."""
    hides = not prefix.startswith("_")
    return [name for name in names if isinstance(name, str) and name.startswith(prefix) and
            not (hides and name.startswith("_"))]


def _value(shell, expression):
    if expression is None:
        return _mesale_live.MISSING
    return _mesale_live.value(expression[1], shell.user_ns, shell.user_global_ns, vars(builtins))


def _attributes(shell, place, found):
    thing = _value(shell, place.owner())
    if thing is _mesale_live.MISSING:
        return False
    stored = _mesale_live.attributes(thing)
    is_object = not isinstance(thing, (type, types.ModuleType))
    for name in sorted(set(_fitting(_mesale_live.names(thing), place.prefix))):
        found.add_thing(name, stored.get(name), is_object)
    return True


def _keywords(shell, place, found):
    at = place.keyword_call()
    thing = _value(shell, place.expression(at)) if at is not None else _mesale_live.MISSING
    if thing is _mesale_live.MISSING or isinstance(thing, _mesale_live.Instance):
        return
    used = place.used_keywords(at)
    for name in _fitting(_mesale_signatures.keywords(thing), place.prefix):
        if name not in used:
            found.add(name + "=", "param")


def _letters(shell, place, found):
    """\\alpha, from which IPython makes α."""
    found.start -= 1
    for text in shell.Completer.latex_matches("\\" + place.prefix)[1]:
        found.add(text, "latex")
    return place.prefix.islower()


def _names(shell, place, found):
    _keywords(shell, place, found)
    seen = {}
    for names in (vars(builtins), shell.user_global_ns, shell.user_ns):
        for name in _fitting(names.copy(), place.prefix):
            seen[name] = names.get(name)
    words = _fitting(keyword.kwlist, place.prefix)
    for name in sorted({*seen, *words}):
        if name in words:
            found.add(name, "keyword")
        else:
            found.add_thing(name, seen[name])
    return bool(found.list)


def _keys(shell, place):
    """Keys of a dictionary that a string may name. Other containers know theirs themselves."""
    thing = _value(shell, place.expression(len(place.tokens) - 1))
    if not isinstance(thing, dict):
        return _ipython(shell, place.code, ("dict_key_matcher",))
    found, text = _Found(place.string_start, len(place.code)), place.code[place.string_start:]
    for key in sorted(key for key in dict.copy(thing) if isinstance(key, str)):
        if key.startswith(text) and key.isprintable() and not {place.quote, "\\"} & set(key):
            found.add(key, "dict key")
    return found


def _files(place, found):
    """Files that a string may name."""
    text = place.code[place.string_start:]
    folder, base = os.path.split(text)
    if "\\" in text or "\n" in text:
        return
    found.start = len(place.code) - len(base)
    try:
        with os.scandir(os.path.expanduser(folder) or ".") as entries:
            files = [(e.name, e.is_dir()) for e, _ in zip(entries, range(_FILES))
                     if e.name.startswith(base) and (base or not e.name.startswith("."))]
    except (OSError, ValueError):
        return
    for name, is_folder in sorted(files):
        if place.quote not in name and "\\" not in name and name.isprintable():
            found.add(name + "/" if is_folder else name, "path")


_folders = {}       # path: (its time, names of the modules in it)


def _modules_in(paths):
    found = set()
    for path in paths:
        try:
            changed = os.stat(path or ".").st_mtime_ns
            if _folders.get(path, (None,))[0] != changed:
                _folders[path] = changed, {m.name for m in pkgutil.iter_modules([path])}
            found |= _folders[path][1]
        except (OSError, TypeError):
            pass
    return found


def _imported(module, place, found):
    """What `from module import` may name, of a module that is loaded."""
    inside = sys.modules.get(module)
    if inside is None:
        return False
    names = {*_mesale_live.names(inside), *_modules_in(getattr(inside, "__path__", ()))}
    stored = _mesale_live.attributes(inside)
    for name in sorted(_fitting(names, place.prefix)):
        found.add_thing(name, stored.get(name))
    return True


def _paths(names):
    """Folders of a package, which need not be loaded."""
    for count in range(len(names), 0, -1):
        module = sys.modules.get(".".join(names[:count]))
        if module is not None:
            return [os.path.join(path, *names[count:])
                    for path in getattr(module, "__path__", ())]
    return [os.path.join(path, *names) for path in sys.path]


def _imports(place, found):
    words = [token.text for token in place.tokens[place.statement:]]
    if words[0] == "from" and "import" in words:
        at = words.index("import")
        return words[-1] != "as" and _imported("".join(words[1:at]), place, found)
    last = max((i for i, word in enumerate(words) if word == ","), default=0)
    package = words[last + 1:]
    if package and package[-1] != "." or package[:1] == ["."]:
        return False
    if not package:
        names = _modules_in(sys.path) | set(sys.builtin_module_names)
    else:
        names = _modules_in(_paths(package[:-1:2]))
    for name in sorted(_fitting(names, place.prefix)):
        found.add(name, "module")
    return bool(found.list)


def _live(shell, place):
    """The completions, or None if somebody else has to find them."""
    found = _Found(place.start, len(place.code))
    if _UNICODE_NAME.search(place.code[-100:]):
        return None
    if place.kind == "import":
        return found if _imports(place, found) else None
    if place.kind == "attribute":
        return found if _attributes(shell, place, found) else None
    if place.kind == "name" and place.tokens and place.tokens[-1].text == "\\":
        return found if _letters(shell, place, found) else None
    if place.kind == "name":
        return found if not place.in_subscript() and _names(shell, place, found) else None
    if place.kind == "string":
        if place.tokens and place.tokens[-1].text in ("[", ","):
            keys = _keys(shell, place)
            if keys.list:
                return keys
        _files(place, found)
        return found
    return found if place.kind == "comment" else None


# --- IPython's ------------------------------------------------------------------------------------

@contextlib.contextmanager
def _quick(completer, code):
    """Without the names of all of Unicode, which take a second to be listed, but for who begins one."""
    before = completer.disable_matchers
    if not _UNICODE_NAME.search(code[-100:]):
        completer.disable_matchers = [*before, "IPCompleter.fwd_unicode_matcher"]
    try:
        yield
    finally:
        completer.disable_matchers = before


def _ipython(shell, code, origins=None):
    """What IPython's completer finds; only that of some of its matchers."""
    from IPython.core.completer import provisionalcompleter, rectify_completions
    with provisionalcompleter(), _quick(shell.Completer, code):
        all_of_them = [c for c in shell.Completer.completions(code, len(code))
                       if origins is None or c._origin.endswith(origins)]
        completions = list(rectify_completions(code, all_of_them))
    # its own matches of attributes begin at the dot, which is there already
    dot = bool(completions) and all(c.text[:1] == code[c.start:c.start + 1] == "."
                                    for c in completions)
    found = _Found(len(code), len(code))
    for c in completions:
        found.start = c.start + dot
        found.add(c.text[dot:], c.type, c.signature)
    return found


def _is_shell_line(code):
    return re.search(r"(?:^|=)[ \t]*!", code[code.rfind("\n") + 1:]) is not None


def complete(shell, code, cursor):
    """The content of a complete_reply."""
    code = code[:max(0, min(cursor, len(code)))]
    found = None
    completer = shell.Completer
    if not completer.use_jedi and not completer.custom_matchers:
        place = _mesale_source.Place(code)
        try:
            found = _live(shell, place)
        except Exception:       # of an object that is odd: IPython may know better
            pass
        if found is None and place.kind == "magic" and _is_shell_line(code):
            found = _ipython(shell, code, ("file_matcher",))
    return (found or _ipython(shell, code)).reply()


# --- inspection -----------------------------------------------------------------------------------

class Inspector(oinspect.Inspector):
    """IPython's own, which also knows the signatures of tensor operations."""

    def _getdef(self, obj, oname=""):
        found = super()._getdef(obj, oname)
        if found is None and _mesale_signatures.is_builtin(obj):
            text = _mesale_signatures.signature(obj)
            found = oname + text if text else None
        return found


_pylight = oinspect.pylight


def prepare(shell):
    """Pages in HTML are made for those who have switched them on: they cost more than the rest."""
    oinspect.pylight = lambda code: _pylight(code) if shell.enable_html_pager else ""


def _subjects(code, cursor):
    """(text, expression) of what the cursor may be asking for: the name at it, the function of the
    call around it, and so on outwards."""
    end = cursor
    while end < len(code) and (code[end].isalnum() or code[end] == "_"):
        end += 1
    place = _mesale_source.Place(code[:end])
    if place.kind in ("magic", "comment", "import"):
        return
    if place.prefix:
        place.tokens.append(_mesale_source.Token("name", place.prefix, place.start,
                                                 len(place.tokens)))
        yield place.expression(len(place.tokens))
        place.tokens.pop()
    elif place.kind == "name" and cursor and code[cursor - 1:cursor] in (")", "]"):
        yield place.expression(len(place.tokens))
    for at in place.calls():
        yield place.expression(at)


def _inspected(shell, code, cursor, **options):
    """The bundle about what is at the cursor; None if it is not known here."""
    for subject in _subjects(code, cursor):
        thing = _value(shell, subject)
        if thing is _mesale_live.MISSING or isinstance(thing, _mesale_live.Instance):
            continue
        text = subject[0]
        if re.fullmatch(r"[\w.]+", text):
            return shell.object_inspect_mime(text, **options)
        info = oinspect.OInfo(found=True, obj=thing, namespace="Interactive", ismagic=False,
                              isalias=False, parent=None)
        with shell.builtin_trap:
            return shell.inspector._get_info(thing, text, info=info, formatter=None, **options)
    return None


def inspect(shell, code, cursor, detail_level, omit_sections):
    """The content of an inspect_reply."""
    from IPython.utils.tokenutil import token_at_cursor
    cursor = max(0, min(cursor, len(code)))
    options = {"detail_level": min(max(detail_level, 0), 1), "omit_sections": omit_sections or ()}
    data = None
    try:
        data = _inspected(shell, code, cursor, **options)
        if data is None:
            data = shell.object_inspect_mime(token_at_cursor(code, cursor), **options)
    except KeyError:
        pass
    data = dict(data or {})
    if not shell.enable_html_pager:
        data.pop("text/html", None)
    return {"status": "ok", "found": bool(data), "data": data, "metadata": {}}
