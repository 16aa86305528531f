"""no_grad and its kin as decorators. The managers themselves are C."""
import functools
import inspect
import warnings

from torch._C import enable_grad, inference_mode, no_grad, set_grad_enabled

__all__ = ["enable_grad", "inference_mode", "no_grad", "set_grad_enabled"]


def _decorate(manager, function):
    """`function` with a fresh manager of the same kind around each call."""
    if inspect.isclass(function):
        warnings.warn(
            "Decorating classes is deprecated and will be disabled in future versions. You should only decorate "
            "functions or methods. To preserve the current behavior of class decoration, you can directly decorate "
            "the `__init__` method and nothing else.", FutureWarning, stacklevel=2)
        made = function

        def function(*args, **kwargs):
            return made(*args, **kwargs)

    if inspect.isgeneratorfunction(function):
        return _decorate_generator(manager.clone, function)
    clone = manager.clone

    @functools.wraps(function)
    def decorate_context(*args, **kwargs):
        with clone():
            return function(*args, **kwargs)

    return decorate_context


def _decorate_generator(clone, function):
    """The mode holds only while the generator itself runs: it is left at each yield and entered again after it."""

    @functools.wraps(function)
    def generator_context(*args, **kwargs):
        generator = function(*args, **kwargs)
        try:
            with clone():
                item = generator.send(None)
            while True:
                try:
                    sent = yield item
                except GeneratorExit:
                    with clone():
                        generator.close()
                    raise
                except BaseException as error:
                    with clone():
                        item = generator.throw(error)
                else:
                    with clone():
                        item = generator.send(sent)
        except StopIteration as stop:
            return stop.value

    return generator_context
