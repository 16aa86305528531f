"""Tensors and automatic differentiation, computed in C. The API is PyTorch's."""
import _imp
import sys as _sys

TYPE_CHECKING = bool()  # not False: jedi would pass over the branch
if TYPE_CHECKING:
    from types import ModuleType as _ModuleType

    from torch import accelerator, cuda, linalg, nn, storage  # noqa: F401
    from torch._C import *  # noqa: F403
    BFloat16Tensor = BoolTensor = ByteTensor = CharTensor = DoubleTensor = FloatTensor = Tensor  # noqa: F405
    HalfTensor = IntTensor = LongTensor = ShortTensor = Tensor  # noqa: F405


def _load() -> "_ModuleType":
    """Imports torch._C; under another Python than the one it was built for, says so."""
    try:
        from torch import _C
        from torch._C import __version__  # noqa: F401: the folder of stubs, found where _C is not, has none
    except ImportError as error:
        import glob
        import re
        built = glob.glob(__path__[0] + "/_C.*.so")
        tag = re.search(r"cpython-(\d)(\d+)", built[0]) if built else None
        version = "%d.%d" % _sys.version_info[:2]
        if tag and version != f"{tag[1]}.{tag[2]}":
            raise ImportError(f"this torch was built for Python {tag[1]}.{tag[2]} and cannot be imported by Python "
                              f"{version}; build it again with `make PYTHON={_sys.executable}`") from None
        raise error
    return _C


_C = _load()
globals().update((name, value) for name, value in vars(_C).items()
                 if name[0] != "_" and name not in ("RemovableHandle", "TensorBase"))
__version__ = _C.__version__
_sys.modules["torch.return_types"] = _C.return_types
_sys.modules.update((f"torch._C.{_part}", getattr(_C, _part)) for _part in ("_nn", "_linalg", "_VariableFunctions"))
_unique2 = _C._unique2

e = 2.718281828459045
inf = 1e999
nan = inf - inf
newaxis = None
pi = 3.141592653589793


def typename(obj: object) -> str:
    """The name of an object's type; of a Tensor, with its element type: 'torch.FloatTensor'."""
    if isinstance(obj, Tensor):  # noqa: F405
        return obj.type()
    kind = obj if isinstance(obj, type) else type(obj)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def is_storage(obj: object):
    """Whether it is the memory of a tensor: what Tensor.untyped_storage() returns."""
    return type(obj).__module__ == "torch.storage"


class _TensorType(type):
    """The class of torch.FloatTensor and its kin, which make tensors of one dtype and recognise them."""

    def __call__(cls, *args, **keywords) -> "Tensor":
        return _C._legacy_new(cls.dtype, args, keywords)

    def __instancecheck__(cls, obj: object) -> bool:
        return isinstance(obj, Tensor) and obj.dtype is cls.dtype and obj.is_cuda is cls.is_cuda  # noqa: F405


globals().update((name, _TensorType(name, (), {
    "__module__": "torch", "dtype": dtype, "layout": _C.strided, "is_cuda": False, "is_sparse": False}))
    for name, dtype in {
        "BFloat16Tensor": _C.bfloat16, "BoolTensor": _C.bool, "ByteTensor": _C.uint8, "CharTensor": _C.int8,
        "DoubleTensor": _C.double, "FloatTensor": _C.float, "HalfTensor": _C.half, "IntTensor": _C.int,
        "LongTensor": _C.long, "ShortTensor": _C.short}.items())


def set_default_tensor_type(t: "type | str", /) -> None:
    """The dtype of torch.FloatTensor or its kin becomes the default one. Deprecated: set_default_dtype() does it."""
    import warnings
    warnings.warn("torch.set_default_tensor_type() is deprecated as of PyTorch 2.1, please use "
                  "torch.set_default_dtype() and torch.set_default_device() as alternatives.", stacklevel=2)
    _C.set_default_dtype(_C.empty(0).type(t).dtype)


def get_rng_state() -> "Tensor":
    """The state of the global random stream, as a tensor of bytes."""
    return _C.default_generator.get_state()


def set_rng_state(new_state: "Tensor") -> None:
    """Restores what get_rng_state() returned."""
    _C.default_generator.set_state(new_state)


class _OnFirstUse(type(_sys)):
    """A module of this package that is executed when one of its attributes is first asked for. (Not by a __getattr__ of
    torch itself: that would make every `torch.x` three times slower in CPython.)"""

    def __init__(self, path: str) -> None:
        name, _, package = path.removesuffix(".py").partition("/")
        super().__init__(f"torch.{name}")
        self.__file__ = f"{__path__[0]}/{path}"
        self.__loader__ = type(__spec__.loader)(self.__name__, self.__file__)
        self.__spec__ = type(__spec__)(self.__name__, self.__loader__, origin=self.__file__, is_package=package != "")
        self.__spec__.has_location = True
        self.__package__ = self.__name__ if package else "torch"
        if package:
            self.__path__ = self.__spec__.submodule_search_locations = [f"{__path__[0]}/{name}"]
        _sys.modules[self.__name__] = globals()[name] = self

    def __getattr__(self, name: str) -> object:
        _imp.acquire_lock()
        try:
            if type(self) is _OnFirstUse and not self.__dict__.get("_executing"):
                self._executing = True
                try:
                    self.__loader__.exec_module(self)
                    self.__class__ = type(_sys)
                finally:
                    del self._executing
        finally:
            _imp.release_lock()
        return type(_sys).__getattribute__(self, name)

    def __dir__(self) -> list[str]:
        self.__getattr__("__name__")
        return list(self.__dict__)


_OnFirstUse("accelerator.py")
_OnFirstUse("cuda/__init__.py")
_OnFirstUse("linalg.py")
_OnFirstUse("nn/__init__.py")
_OnFirstUse("storage.py")
from torch import autograd, backends, functional, random, types, utils, version  # noqa: E402
from torch.functional import *  # noqa: E402, F401, F403

if "IPython" in _sys.modules:  # in a shell, lists of tensors and the like have views
    from mesale import _view  # noqa: E402
    _view.enter_shell()
    del _view
