"""Where in a cell the cursor is: read from the text before it, which is seldom a whole program."""
import ast
import keyword
import re

_SCANNED = 6_000        # characters before the cursor that are looked at
_PYTHON_MAGICS = {"time", "timeit", "capture", "prun", "debug"}     # %%time: a cell of Python

_TOKEN = re.compile(r"""
    (?P<space> [ \t\f]+ | \\\n )
  | (?P<comment> \#[^\n]* )
  | (?P<string> (?P<kind>[rbfuRBFU]{0,2})
      (?: (?P<quote3>\"{3}|'{3}) (?: \\. | (?!(?P=quote3)). )* (?P<end3>(?P=quote3)?)
        | (?P<quote>\"|') (?: \\. | (?!(?P=quote))[^\\\n] )* (?P<end>(?P=quote)?) ) )
  | (?P<name> [^\W\d]\w* )
  | (?P<number> \d[\w.]* )
  | (?P<op> [=!<>:+\-*/%&|^@]=|->|\*\*|//|. | \n )
""", re.X | re.S)

_CLOSERS = {")": "(", "]": "[", "}": "{"}


class Token:
    __slots__ = ("kind", "text", "start", "end", "depth", "partner")

    def __init__(self, kind, text, start, depth):
        self.kind, self.text, self.start, self.end = kind, text, start, start + len(text)
        self.depth = depth
        self.partner = None     # index of the opening bracket, of a closing one


class Place:
    """What stands before a cursor at the end of `code`.

    kind: "name" (a name may begin here, or has: `prefix`), "attribute" (of tokens before the dot),
    "string", "comment", "magic" (a line for IPython) or "import".
    """

    def __init__(self, code):
        self.code = code
        begin = max(0, len(code) - _SCANNED)
        begin = code.find("\n", begin) + 1 or begin if begin else 0
        self.tokens, self.prefix, self.quote, self.string_start = [], "", "", len(code)
        self._open, self.statement = [], 0
        self.kind = self._foreign() or self._scan(begin) or self._ending()

    @property
    def start(self):
        """Where the prefix begins."""
        return len(self.code) - len(self.prefix)

    def _foreign(self):
        match = re.match(r"\s*%%(\w*)([^\n]*\n)?", self.code)
        return "magic" if match and (not match[2] or match[1] not in _PYTHON_MAGICS) else None

    def _scan(self, at):
        code = self.code
        while at < len(code):
            last = self.tokens[-1] if self.tokens else None
            if code[at] in "%!" and (last is None or last.text in "\n=") and not self._open:
                at = code.find("\n", at)
                if at < 0:
                    return "magic"
            match = _TOKEN.match(code, at)
            at = match.end()
            kind = match.lastgroup if match["kind"] is None else "string"
            if kind == "comment" and at == len(code):
                return "comment"
            if kind == "string" and at == len(code) and not match["end3"] and not match["end"]:
                return self._in_string(match)
            if kind not in ("space", "comment"):
                self._add(kind, match[0], match.start())
        return None

    def _in_string(self, match):
        quote = match["quote3"] or match["quote"]
        self.string_start = match.start() + len(match["kind"]) + len(quote)
        body = self.code[self.string_start:]
        hole = max(self._holes(body), default=-1) if "f" in match["kind"].lower() else -1
        if hole >= 0:
            self._open.clear()
            self.tokens.clear()
            return self._scan(self.string_start + hole)
        self.quote = quote
        return "string"

    @staticmethod
    def _holes(body):
        """Where the expressions of an f-string that are not closed begin."""
        found = []
        for match in re.finditer(r"\{\{|\}\}|\{|\}", body):
            if match[0] == "{":
                found.append(match.end())
            elif match[0] == "}" and found:
                found.pop()
        return found

    def _add(self, kind, text, start):
        if text == "\n" and self._open:
            return
        token = Token(kind, text, start, len(self._open))
        if kind == "op" and text in "([{":
            self._open.append(len(self.tokens))
        elif kind == "op" and text in _CLOSERS and self._open:
            token.partner = self._open.pop()
            token.depth = len(self._open)
        if kind == "op" and text in "\n;" and not self._open:
            self.statement = len(self.tokens) + 1
        self.tokens.append(token)

    def _ending(self):
        tokens = self.tokens
        if tokens and tokens[-1].end == len(self.code) and tokens[-1].kind in ("name", "number"):
            if tokens[-1].kind == "number":
                return "comment"        # nothing can be completed
            self.prefix = tokens.pop().text
        first = tokens[self.statement].text if self.statement < len(tokens) else ""
        if first in ("import", "from"):
            return "import"
        if tokens and tokens[-1].text == ".":
            return "attribute"
        return "name"

    def in_subscript(self):
        """Whether a key may stand at the cursor."""
        before = self.tokens[-2:-1]
        return bool(before) and self.tokens[-1].text == "[" and \
            (before[0].kind in ("name", "string") or before[0].text in _CLOSERS)

    # --- expressions ---

    def _primary_start(self, end):
        """The index of the first token of the primary expression that ends before `end`."""
        at, tokens = end - 1, self.tokens
        while at >= 0:
            token = tokens[at]
            if token.kind == "name" and (not keyword.iskeyword(token.text) or
                                         token.text in ("None", "True", "False")):
                if at >= 2 and tokens[at - 1].text == ".":
                    at -= 2
                    continue
                return at
            if token.kind in ("string", "number"):
                return at
            if token.partner is None:
                return None
            at = token.partner - 1
            before = tokens[at] if at >= 0 else None
            if before is None or before.kind == "op" and before.text not in _CLOSERS or \
                    keyword.iskeyword(before.text):
                return at + 1
        return None

    def expression(self, end):
        """(text, ast) of the primary expression before token `end`, or None."""
        start = self._primary_start(end) if end > 0 else None
        if start is None:
            return None
        text = self.code[self.tokens[start].start:self.tokens[end - 1].end]
        try:
            return text, ast.parse(text, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None

    def owner(self):
        """The expression before the dot."""
        return self.expression(len(self.tokens) - 1)

    def calls(self):
        """Indices of the brackets of the calls that the cursor is in, the innermost first."""
        for at in reversed(self._open):
            before = self.tokens[at - 1] if at else None
            named = before and before.kind == "name" and not keyword.iskeyword(before.text)
            if self.tokens[at].text == "(" and before and (named or before.text in _CLOSERS):
                if at < 2 or self.tokens[at - 2].text not in ("def", "class"):
                    yield at

    def keyword_call(self):
        """The bracket of the call whose keyword may begin at the cursor, or None."""
        at = next(self.calls(), None)
        if at is None or at != self._open[-1]:
            return None
        last = self.tokens[-1]
        return at if len(self.tokens) - 1 == at or last.text == "," else None

    def used_keywords(self, at):
        """Names of keywords that a call has already."""
        depth, inside = self.tokens[at].depth + 1, self.tokens[at + 1:]
        return {a.text for a, b in zip(inside, inside[1:])
                if a.kind == "name" and b.text == "=" and a.depth == depth}


def chains(text):
    """Every name that is read in a piece of a program, with its attributes: a.b gives [a], [a, b].
    Names of keywords and what is assigned to are left out."""
    end = Token("op", "\n", len(text), 0)
    tokens, found = [*Place(text + "\n").tokens, end, end], []
    for at, token in enumerate(tokens):
        if token.kind == "string" and "f" in token.text[:2].lower():
            for part in re.findall(r"\{([^{}]+)\}", token.text):
                found += chains(part)
        if token.kind != "name" or keyword.iskeyword(token.text) or \
                at and tokens[at - 1].text == "." or tokens[at + 1].text == "=":
            continue
        found.append([token.text])
        while tokens[at + 1].text == "." and tokens[at + 2].kind == "name":
            at += 2
            found.append([*found[-1], tokens[at].text])
    return found
