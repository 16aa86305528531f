"""Generators, the global stream and its copies."""
import copy
import pickle

import pytest
import torch


@pytest.fixture
def generator():
    made = torch.Generator().manual_seed(5)
    torch.randn(3, generator=made)  # leaves the sine twin of the last pair behind
    return made


@pytest.mark.parametrize("copied", [
    copy.copy, copy.deepcopy, lambda g: pickle.loads(pickle.dumps(g)), lambda g: g.clone_state(),
    lambda g: torch.Generator().set_state(g.get_state())])
def test_copies_go_on_alike_and_apart(generator, copied):
    other = copied(generator)
    assert other is not generator and other.initial_seed() == 5
    assert (torch.randn(3, generator=other)).tolist() == torch.randn(3, generator=generator).tolist()


def test_fork_rng_restores_the_global_stream():
    torch.manual_seed(1)
    with torch.random.fork_rng():
        inside = torch.rand(2)
    assert torch.rand(2).tolist() == inside.tolist()
    with torch.random.fork_rng(enabled=False):
        torch.rand(2)
    torch.manual_seed(1)
    torch.rand(4)
    with pytest.raises(AssertionError, match="CUDA"):
        with torch.random.fork_rng(devices=[0]):
            pass


@pytest.mark.parametrize("call, kind, text", [
    (lambda g: g.manual_seed(1.5), RuntimeError, "manual_seed expected a long, but got float"),
    (lambda g: g.manual_seed(2**64), ValueError, "Overflow when unpacking long long"),
    (lambda g: g.set_state(torch.ones(2)), TypeError, "RNG state must be a torch.ByteTensor"),
    (lambda g: g.set_state(torch.zeros(2, dtype=torch.uint8)), RuntimeError,
     "Expected a CPUGeneratorImplState of size 5056 but found the input RNG state size to be 2"),
    (lambda g: g.set_state(torch.zeros(5056, dtype=torch.uint8)), RuntimeError, "Invalid mt19937 state"),
    (lambda g: g.graphsafe_get_state(), NotImplementedError,
     "graphsafe_get_state is not supported in this Generator"),
    (lambda g: g.get_offset(), RuntimeError, "CPU Generator does not use offset")])
def test_generators_refuse(generator, call, kind, text):
    with pytest.raises(kind) as error:
        call(generator)
    assert str(error.value) == text


def test_streams_of_gpus_that_are_not_there():
    assert torch.cuda.manual_seed(3) is None and torch.cuda.get_rng_state_all() == []
    with pytest.raises(AssertionError, match="Torch not compiled with CUDA enabled"):
        torch.cuda.get_rng_state()
