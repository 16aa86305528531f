"""Comms: the messages between widgets and what shows them, through the package comm."""
import sys
import traceback
import types

import _kernel

try:
    import comm
    from comm.base_comm import BaseComm, CommManager
except ImportError:     # who lacks the package cannot use comms
    comm, BaseComm, CommManager = None, object, object


class Comm(BaseComm):
    def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
        content = {"comm_id": self.comm_id, "data": {} if data is None else data, **keys}
        _kernel.comm(msg_type, content, metadata or {}, buffers or ())


class _Manager(CommManager):
    def get_comm(self, comm_id):
        # a front end may still write to a widget that is gone: no reason to warn
        return self.comms.get(comm_id)


class _CommModule(types.ModuleType):
    """The package's two functions stay ours: ipykernel's modules, which libraries import to see
    whether they run in a kernel, put theirs in the place of them, and those send nowhere."""

    def __setattr__(self, name, value):
        if name not in ("create_comm", "get_comm_manager"):
            super().__setattr__(name, value)


manager = None


def start(kernel):
    global manager
    if comm is not None:
        manager = kernel.comm_manager = _Manager()
        comm.create_comm = Comm
        comm.get_comm_manager = lambda: manager
        comm.__class__ = _CommModule


def message(kind, request, buffers):
    """Serves a comm_open, comm_msg or comm_close. What a handler raises is shown on stderr by the
    manager; what ends a program, or an interrupt, only ends the handler."""
    if manager is None:
        return
    request["buffers"] = [memoryview(one) for one in buffers]
    try:
        _kernel.set_phase(_kernel.RUNNING)
        getattr(manager, kind)(None, None, request)
        _kernel.set_phase(_kernel.ENDING)
    except BaseException:
        _kernel.set_phase(_kernel.ENDING)
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    _kernel.set_phase(_kernel.IDLE)


def info(target):
    comms = manager.comms if manager is not None else {}
    found = {key: {"target_name": one.target_name} for key, one in list(comms.items())
             if target is None or one.target_name == target}
    return {"status": "ok", "comms": found}
