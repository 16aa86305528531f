"""Streams, to which a GPU's work is queued, and events, which mark places in them."""
from torch import _C
from torch.cuda._index import _get_device_index

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

    from torch._C import _Device, device as _device


class Stream:
    """A queue of work on a GPU, which runs beside others: one of the pool of its device (the current one unless given) and
    priority, where a lower number goes first."""

    stream_id: int
    device_index: int
    device_type: int
    priority: int
    cuda_stream: int
    _contexts: "list[StreamContext]"

    def __new__(cls, device: "_Device | None" = None, priority: int = 0, *, stream_id: "int | None" = None,
                device_index: "int | None" = None, device_type: int = 1) -> "Self":
        if _C._cuda_version() is None and not _C._cuda_isInBadFork():
            raise RuntimeError("torch.cuda.Stream requires CUDA support")
        _C._cuda_init()
        if stream_id is not None and device_index is not None:
            return cls._of(_C._cuda_findStream(stream_id, device_index))
        return cls._of(_C._cuda_newStream(_get_device_index(device, optional=True), priority))

    @classmethod
    def _of(cls, parts: "tuple[int, ...]") -> "Self":
        self = object.__new__(cls)
        self.stream_id, self.device_index, self.device_type, self.priority, self.cuda_stream = parts
        self._contexts = []
        return self

    @staticmethod
    def priority_range() -> "tuple[int, int]":
        """(lowest, highest) priority of streams."""
        return _C._cuda_streamPriorities()

    @property
    def device(self) -> "_device":
        """The GPU that it is of."""
        return _C.device("cuda", self.device_index)

    def query(self) -> bool:
        """Whether all that was queued is done."""
        return _C._cuda_streamQuery(self.stream_id, self.device_index)

    def synchronize(self) -> None:
        """Waits until all that was queued is done."""
        _C._cuda_streamSynchronize(self.stream_id, self.device_index)

    def wait_event(self, event: "Event") -> None:
        """What is queued from now on waits for the event."""
        event.wait(self)

    def wait_stream(self, stream: "Stream") -> None:
        """What is queued from now on waits for what the other stream has been given until now."""
        self.wait_event(stream.record_event())

    def record_event(self, event: "Event | None" = None) -> "Event":
        """Records an event here, a new one unless given, and returns it."""
        if event is None:
            event = Event()
        event.record(self)
        return event

    def __enter__(self) -> "Self":
        context = StreamContext(self)
        context.__enter__()
        self._contexts.append(context)
        return self

    def __exit__(self, *raised: object) -> None:
        self._contexts.pop().__exit__(*raised)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stream) and (self.stream_id, self.device_index) == (other.stream_id, other.device_index)

    def __hash__(self) -> int:
        return hash((self.cuda_stream, self.device_index))

    def __repr__(self) -> str:
        return f"<torch.cuda.Stream device={self.device} cuda_stream={self.cuda_stream:#x}>"

    def __cuda_stream__(self) -> "tuple[int, int]":
        """(version, handle) of NVIDIA's protocol for streams."""
        return 0, self.cuda_stream

    @property
    def _as_parameter_(self):
        import ctypes
        return ctypes.c_void_p(self.cuda_stream)


class Event:
    """A mark in a stream: whether it was reached, how long after another one, and for other streams to wait for. It belongs
    to the device of the stream that records it first."""

    def __init__(self, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False,
                 external: bool = False) -> None:
        if _C._cuda_version() is None and not _C._cuda_isInBadFork():
            raise RuntimeError("Tried to instantiate dummy base class Event")
        self._timing, self._blocking, self._interprocess = bool(enable_timing), bool(blocking), bool(interprocess)
        self._event: Any = None
        self._device_index = -1

    @property
    def device(self) -> "_device | None":
        """The GPU that it is of, or None before it was recorded."""
        return None if self._event is None else _C.device("cuda", self._device_index)

    @property
    def cuda_event(self) -> int:
        """CUDA's handle, 0 before it was recorded."""
        return 0 if self._event is None else _C._cuda_eventHandle(self._event)

    def record(self, stream: "Stream | None" = None) -> None:
        """Marks the place that a stream, the current one unless given, has come to."""
        stream = current_stream() if stream is None else stream
        if self._event is None:
            self._event = _C._cuda_newEvent(stream.device_index, self._timing, self._blocking, self._interprocess)
            self._device_index = stream.device_index
        if self._device_index != stream.device_index:
            raise RuntimeError(f"Event device {self._device_index} does not match recording stream's device "
                               f"{stream.device_index}.")
        _C._cuda_eventRecord(self._event, stream.stream_id, stream.device_index)

    def wait(self, stream: "Stream | None" = None) -> None:
        """What a stream, the current one unless given, is given from now on waits for the mark."""
        if self._event is not None:
            stream = current_stream() if stream is None else stream
            _C._cuda_eventWait(self._event, stream.stream_id, stream.device_index)

    def query(self) -> bool:
        """Whether the mark was reached; true before it was recorded."""
        return self._event is None or _C._cuda_eventQuery(self._event)

    def synchronize(self) -> None:
        """Waits until the mark is reached."""
        if self._event is not None:
            _C._cuda_eventSynchronize(self._event)

    def elapsed_time(self, end_event: "Event") -> float:
        """Milliseconds from this mark to the other one, both of which were reached."""
        if not (self._timing and end_event._timing):
            raise ValueError("Both events must be created with argument 'enable_timing=True'.")
        if self._event is None or end_event._event is None:
            raise ValueError("Both events must be recorded before calculating elapsed time.")
        if not (self.query() and end_event.query()):
            raise RuntimeError("Both events must be completed before calculating elapsed time.")
        return _C._cuda_eventElapsed(self._event, end_event._event)

    def __repr__(self) -> str:
        return f"<torch.cuda.Event {self.cuda_event:#x}>" if self.cuda_event else "<torch.cuda.Event uninitialized>"

    @property
    def _as_parameter_(self):
        import ctypes
        return ctypes.c_void_p(self.cuda_event)


class StreamContext:
    """Work goes to a stream, and its device is the current one, within a block; None changes nothing."""

    __module__ = "torch.cuda"

    def __init__(self, stream: "Stream | None") -> None:
        self.stream = stream

    def __enter__(self) -> None:
        if self.stream is None:
            return
        self._before = current_stream()
        self._before_there = current_stream(self.stream.device_index)
        set_stream(self.stream)

    def __exit__(self, *raised: object) -> None:
        if self.stream is not None:
            set_stream(self._before_there)
            set_stream(self._before)


def stream(stream: "Stream | None") -> StreamContext:
    """`with torch.cuda.stream(s):` work goes to the stream, and its device is the current one."""
    return StreamContext(stream)


def current_stream(device: "_Device | None" = None) -> Stream:
    """The stream that a GPU's work goes to."""
    _C._cuda_init()
    return Stream._of(_C._cuda_getCurrentStream(_get_device_index(device, optional=True)))


def default_stream(device: "_Device | None" = None) -> Stream:
    """The stream that a GPU's work goes to unless told otherwise."""
    _C._cuda_init()
    return Stream._of(_C._cuda_getDefaultStream(_get_device_index(device, optional=True)))


def set_stream(stream: "Stream | None") -> None:
    """Work goes to the stream, and its device is the current one, from now on; None changes nothing."""
    if stream is not None:
        _C._cuda_setStream(stream.stream_id, stream.device_index)
