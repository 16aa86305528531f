"""What each shell has for itself, the main one and every subshell, over one namespace of the user's.

IPython knows one shell with one course of cells. Attributes of it that belong to a course are kept
here in a record for each thread, so that cells of several subshells can run at once.
"""
import threading

import _kernel
import _mesale_history

from IPython.core.payload import PayloadManager


class Record:
    """The state of one shell."""

    def __init__(self):
        self.execution_count = 1        # of the next cell that stores history
        self.cell_code = ""             # of the cell that runs: transformed source
        self.cell_count = 0             # its number
        self.display_failed = False     # an exception in __repr__ or the like of its result
        self.history_manager = None
        self.payload_manager = None
        self.bundle = None              # of the result that is being shown
        self.exec_result = None
        self.showing = False            # a result


main = Record()
_threads = threading.local()


def here():
    """The record of the calling thread's shell; the main one's in a thread that is no shell's."""
    return getattr(_threads, "record", main)


def is_main():
    return here() is main


def per_shell(name):
    """An attribute that each shell has for itself."""
    return property(lambda self: getattr(here(), name),
                    lambda self, value: setattr(here(), name, value))


def enter(shell):
    record = _threads.record = Record()
    record.history_manager = _mesale_history.SubshellHistory(shell=shell, parent=shell)
    record.payload_manager = PayloadManager(parent=shell)


def leave():
    del _threads.record


# --- threads of the user's -----------------------------------------------------------------------

_start = threading.Thread.start


def _start_following(thread):
    """Thread.start, and outputs of the thread belong to the cell that starts it, also later."""
    parent, run = _kernel.parent(), thread.run

    def follow():
        del thread.run
        _kernel.follow(parent)
        run()

    thread.run = follow
    _start(thread)


def follow_cells(follow):
    """Whether threads started from now on follow the cell that starts them."""
    threading.Thread.start = _start_following if follow else _start
