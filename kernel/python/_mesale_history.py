"""The history: this session's cells as IPython remembers them, earlier ones from the kernel's file
(history.h). %history, %recall and the like find them here too.
"""
import fnmatch
import os
import re
import threading
import time

import _kernel

from IPython.core.history import HistoryManager

_EPOCH = 1767225600     # 2026-01-01: session numbers stay below 2**53, what JSON can carry
_PID_BITS = 22          # Linux has no more processes than that


_latest_session = 0
_old = []               # (session, line, input, source) of the file, sorted
_old_lock = threading.Lock()


def _session_number():
    """Unique without a look at the file, and rising: the second of the start, and the process."""
    global _latest_session
    number = (int(time.time()) - _EPOCH << _PID_BITS) + os.getpid()
    _latest_session = max(number, _latest_session + (1 << _PID_BITS))
    return _latest_session


def _as_given(session, line, text, output, outputs=None):
    return (session, line, (text, outputs.get(line) if outputs else None) if output else text)


class History(HistoryManager):
    """IPython's own, without its database."""

    in_file = True          # False: the user wants no file

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.session_number = _session_number()

    def new_session(self, conn=None):
        self.session_number = _session_number()

    def end_session(self):
        """There is nothing to close."""

    def writeout_cache(self, conn=None):
        """There is no cache."""

    # --- storing ---

    def store_inputs(self, line_num, source, source_raw=None):
        source_raw = source if source_raw is None else source_raw
        source, source_raw = source.rstrip("\n"), source_raw.rstrip("\n")
        # kept here, or In[n] would no longer be the n-th input
        self.input_hist_parsed.append(source)
        self.input_hist_raw.append(source_raw)
        if self.in_file and not self._exit_re.match(source_raw.strip()):
            _kernel.keep(self.session_number, line_num, source_raw,
                         source if source != source_raw else None)
        self._push_names(line_num, source_raw)

    def _push_names(self, line_num, source_raw):
        self._iii, self._ii, self._i, self._i00 = self._ii, self._i, self._i00, source_raw
        self.shell.push({"_i": self._i, "_ii": self._ii, "_iii": self._iii,
                         f"_i{line_num}": source_raw}, interactive=False)

    def store_output(self, line_num):
        """Outputs are kept in memory alone."""

    # --- asking ---

    def _earlier(self):
        """The cells of all other sessions."""
        if self.in_file:
            with _old_lock:
                whole, found = _kernel.recall()
                if whole:
                    _old.clear()
                if found:
                    _old.extend(found)
                    _old.sort(key=lambda entry: entry[:2])
        return [entry for entry in _old if entry[0] != self.session_number]

    def _own(self):
        return [(self.session_number, line, raw, source) for line, (raw, source) in
                enumerate(zip(self.input_hist_raw, self.input_hist_parsed)) if line]

    def _give(self, entries, raw, output):
        for session, line, text, source in entries:
            outputs = self.output_hist_reprs if session == self.session_number else None
            yield _as_given(session, line, text if raw else source, output, outputs)

    def get_tail(self, n=10, raw=True, output=False, include_latest=False):
        n = 10 if n is None else max(n, 0)
        entries = self._own()
        if not include_latest:
            entries = entries[:-1]
        if len(entries) < n:
            entries = self._earlier() + entries
        return list(self._give(entries[len(entries) - min(n, len(entries)):], raw, output))

    def search(self, pattern="*", raw=True, search_raw=True, output=False, n=None, unique=False):
        # SQLite's GLOB, which IPython's database has, negates a set by ^
        matches = re.compile(fnmatch.translate(pattern.replace("[^", "[!"))).match
        found = [e for e in self._earlier() + self._own() if matches(e[2 if search_raw else 3])]
        if unique:
            latest = {e[2 if search_raw else 3]: e for e in found}
            found = sorted(latest.values(), key=lambda entry: entry[:2])
        if n is not None:
            found = found[len(found) - min(max(n, 0), len(found)):]
        return list(self._give(found, raw, output))

    def _session(self, session):
        """The number of a session; those before this one are counted back from -1."""
        if session == 0 or session == self.session_number:
            return self.session_number
        if session > 0:
            return session
        before = sorted({e[0] for e in self._earlier() if e[0] < self.session_number})
        return before[session] if -session <= len(before) else None

    def get_range(self, session=0, start=1, stop=None, raw=True, output=False):
        session = self._session(session)
        entries = self._own() if session == self.session_number else \
            [e for e in self._earlier() if e[0] == session]
        end = entries[-1][1] + 1 if entries else 0
        start = start + end if start < 0 else start
        stop = end if not stop else stop + end if stop < 0 else stop
        return list(self._give([e for e in entries if start <= e[1] < stop], raw, output))

    def get_session_info(self, session=0):
        session = self._session(session)
        lines = len(self.get_range(session)) if session is not None else None
        return (session, None, None, lines, "") if lines else None

    def get_last_session_id(self):
        return self.session_number


class SubshellHistory(History):
    """What a subshell was given: a session of its own."""

    def _push_names(self, line_num, source_raw):
        """_i, _ii … are the main shell's."""


def _number(value, missing):
    return value if isinstance(value, int) and not isinstance(value, bool) else missing


def answer(history, content):
    """The content of a history_reply."""
    how = {"raw": content.get("raw") is not False, "output": content.get("output") is True}
    kind = content.get("hist_access_type")
    if kind == "tail":
        found = history.get_tail(_number(content.get("n"), None), include_latest=True, **how)
    elif kind == "range":
        found = history.get_range(_number(content.get("session"), 0),
                                  _number(content.get("start"), 1),
                                  _number(content.get("stop"), None), **how)
    elif kind == "search":
        pattern = content.get("pattern")
        found = history.search(pattern if isinstance(pattern, str) else "*",
                               n=_number(content.get("n"), None),
                               unique=content.get("unique") is True, **how)
    else:
        raise ValueError(f"hist_access_type is {kind!r}, not 'tail', 'range' or 'search'")
    return {"status": "ok", "history": found}


def wants_file(config):
    """Whether the user's IPython keeps a history."""
    section = config.HistoryManager
    return bool(section.get("enabled", True)) and section.get("hist_file") != ":memory:"
