"""no_grad, enable_grad, set_grad_enabled, inference_mode: as context managers and decorators."""
import asyncio
import inspect
import re
import threading

import pytest

import torch

x = torch.ones(2, requires_grad=True)


def recorded():
    return (x * 2).requires_grad


@pytest.fixture(autouse=True)
def recording():
    """Each test starts and ends with recording on."""
    assert torch.is_grad_enabled() and not torch.is_inference_mode_enabled()
    yield
    assert torch.is_grad_enabled() and not torch.is_inference_mode_enabled()


def test_results_under_no_grad_are_constants():
    with torch.no_grad():
        y = x * 2
        assert not torch.is_grad_enabled()
    assert (y.requires_grad, y.is_leaf, y.grad_fn) == (False, True, None)
    assert torch.zeros(1, requires_grad=True).requires_grad and recorded()


def test_modes_nest():
    with torch.no_grad():
        assert not recorded()
        with torch.enable_grad():
            assert recorded()
            with torch.no_grad():
                assert not recorded()
            assert recorded()
        assert not recorded()
    assert recorded()


def test_one_manager_can_be_used_again():
    manager = torch.no_grad()
    for _ in range(3):
        with manager:
            assert not recorded()
        assert recorded()


def test_the_mode_is_restored_after_an_exception():
    for manager in (torch.no_grad(), torch.set_grad_enabled(True), torch.inference_mode()):
        with pytest.raises(ZeroDivisionError):
            with manager:
                1 / 0
        assert recorded()


def test_enter_and_exit_return_none():
    for manager in (torch.no_grad(), torch.enable_grad(), torch.inference_mode()):
        assert manager.__enter__() is None and manager.__exit__(None, None, None) is None
    with torch.no_grad() as bound:
        assert bound is None


def test_set_grad_enabled_acts_at_once():
    torch.set_grad_enabled(False)
    assert not recorded()
    torch.set_grad_enabled(True)
    with torch.set_grad_enabled(False):
        assert not recorded()
    assert recorded()
    with torch.no_grad(), torch.set_grad_enabled(mode=True):
        assert recorded()


def test_set_grad_enabled_as_a_decorator_acts_only_in_the_call():
    @torch.set_grad_enabled(False)
    def f():
        return recorded()
    assert recorded() and not f() and recorded()


@pytest.mark.parametrize("decorate", [torch.no_grad(), torch.no_grad, torch.inference_mode(), torch.inference_mode])
def test_decorators_with_and_without_parentheses(decorate):
    @decorate
    def f(a, *, b=1):
        """Doc."""
        return recorded(), a, b
    assert f(1, b=2) == (False, 1, 2) and recorded()
    assert f.__name__ == "f" and f.__doc__ == "Doc." and inspect.isfunction(f)
    assert list(inspect.signature(f).parameters) == ["a", "b"]


def test_enable_grad_decorates():
    @torch.enable_grad()
    def f():
        return recorded()
    with torch.no_grad():
        assert f()
        assert not recorded()


def test_a_decorated_function_may_call_itself_and_raise():
    @torch.no_grad()
    def f(n):
        assert not recorded()
        return f(n - 1) if n else 1 / 0
    with pytest.raises(ZeroDivisionError):
        f(3)
    assert recorded()


def test_methods_are_decorated():
    class Model:
        @torch.no_grad()
        def eval(self):
            return recorded(), self

        @staticmethod
        @torch.no_grad()
        def static():
            return recorded()
    model = Model()
    assert model.eval() == (False, model) and not Model.static()


def test_a_generator_has_the_mode_only_while_it_runs():
    @torch.no_grad()
    def numbers():
        seen = recorded()
        while True:
            sent = yield seen, recorded()
            seen = (sent, recorded())
    generator = numbers()
    assert next(generator) == (False, False) and recorded()
    assert generator.send("a") == (("a", False), False) and recorded()
    with torch.no_grad():
        next(generator)
    assert recorded()
    generator.close()


def test_a_generator_passes_on_exceptions_and_its_result():
    log = []

    @torch.no_grad()
    def numbers():
        try:
            yield 1
        except KeyError:
            log.append(recorded())
            yield 2
        finally:
            log.append(recorded())
        return 3
    generator = numbers()
    next(generator)
    assert generator.throw(KeyError()) == 2 and recorded()
    with pytest.raises(StopIteration) as stop:
        next(generator)
    assert stop.value.value == 3 and log == [False, False]

    generator = numbers()
    next(generator)
    generator.close()
    assert log == [False, False, False] and recorded()


def test_a_generator_changes_the_mode_of_its_own_frame_only():
    def inner():
        with torch.no_grad():
            yield recorded()
            yield recorded()
    generator = inner()
    assert next(generator) is False
    assert not recorded()  # PyTorch's modes are the thread's, not the generator's
    assert list(generator) == [False]


def test_a_coroutine_is_wrapped_as_a_plain_function():
    @torch.no_grad()
    async def f():
        return recorded()
    assert asyncio.run(f()) is True  # the mode ends when the coroutine is made, as in PyTorch


def test_decorating_a_class_warns():
    with pytest.warns(FutureWarning, match="^Decorating classes is deprecated and will be disabled in future versions"):
        @torch.no_grad()
        class Model:
            def __init__(self):
                self.seen = recorded()
    assert Model().seen is False


def test_threads_start_with_recording_on():
    seen = []
    with torch.no_grad():
        thread = threading.Thread(target=lambda: seen.append(recorded()))
        thread.start()
        thread.join()
        assert not recorded()
    assert seen == [True]


def test_representation():
    assert re.fullmatch(r"<torch\.autograd\.grad_mode\.no_grad object at 0x[0-9a-f]+>", repr(torch.no_grad()))
    assert re.fullmatch(r"<torch\.autograd\.grad_mode\.inference_mode object at 0x[0-9a-f]+>",
                        repr(torch.inference_mode()))
    assert repr(torch.set_grad_enabled(True)) == "torch.autograd.grad_mode.set_grad_enabled(mode=True)"
    assert repr(torch.no_grad) == "<class 'torch.autograd.grad_mode.no_grad'>"
    assert torch.autograd.no_grad is torch.no_grad and torch.autograd.grad_mode.no_grad is torch.no_grad


def test_wrong_arguments():
    for call, text in [(lambda: torch.set_grad_enabled(3),
                        "set_grad_enabled(): argument 'enabled' (position 1) must be bool, not int"),
                       (lambda: torch.set_grad_enabled(),
                        "set_grad_enabled.__init__() missing 1 required positional argument: 'mode'"),
                       (lambda: torch.no_grad(orig_func=None),
                        "no_grad.__init__() got an unexpected keyword argument 'orig_func'")]:
        with pytest.raises(TypeError) as error:
            call()
        assert str(error.value) == text


def test_subclasses_and_attributes():
    class Mine(torch.no_grad):
        def __enter__(self):
            self.entered = True
            return super().__enter__()
    with Mine() as bound:
        assert bound is None and not recorded()
    mine = Mine()
    with mine:
        pass
    assert mine.entered and isinstance(mine, torch.no_grad) and recorded()
    manager = torch.no_grad()
    with manager:
        assert manager.prev is True


def test_clone_makes_one_of_the_same_kind():
    for manager in (torch.no_grad(), torch.enable_grad(), torch.inference_mode(False)):
        assert type(manager.clone()) is type(manager)
    assert torch.inference_mode(False).clone().mode is False


def test_inference_mode():
    with torch.inference_mode():
        assert torch.is_inference_mode_enabled() and not torch.is_grad_enabled()
        y = x * 2
        z = torch.ones(1)
        with torch.inference_mode(False):
            assert recorded() and not torch.is_inference_mode_enabled()
        assert torch.is_inference_mode_enabled()
    assert y.is_inference() and z.is_inference() and not x.is_inference()
    for action, text in [
            (lambda: y.requires_grad_(), "Setting requires_grad=True on inference tensor outside InferenceMode is not "
             "allowed."),
            (lambda: y.add_(1), "Inplace update to inference tensor outside InferenceMode is not allowed.You can make a "
             "clone to get a normal tensor before doing inplace update.See https://github.com/pytorch/rfcs/pull/17 for "
             "more details."),
            (lambda: y._version, "Inference tensors do not track version counter."),
            (lambda: x * y, "Inference tensors cannot be saved for backward. Please do not use Tensors created in "
             "inference mode in computation tracked by autograd. To work around this, you can make a clone to get a "
             "normal tensor and use it in autograd, or use `torch.no_grad()` instead of `torch.inference_mode()`.")]:
        with pytest.raises(RuntimeError) as error:
            action()
        assert str(error.value) == text
    assert (x * y.clone()).requires_grad
    with torch.inference_mode():
        y.add_(1)


def test_inference_mode_decorates_with_its_own_mode():
    @torch.inference_mode(mode=False)
    def f():
        return torch.is_inference_mode_enabled()
    assert f() is False
    assert torch.inference_mode(lambda: torch.is_inference_mode_enabled())() is True


def test_in_place_on_a_leaf_is_allowed_under_no_grad():
    leaf = torch.ones(2, requires_grad=True)
    with torch.no_grad():
        leaf.add_(1)
        leaf -= .5
        leaf[0] = 9
    assert leaf.tolist() == [9, 1.5] and leaf.requires_grad and leaf._version == 3
    with pytest.raises(RuntimeError) as error:
        leaf.add_(1)
    assert str(error.value) == "a leaf Variable that requires grad is being used in an in-place operation."
