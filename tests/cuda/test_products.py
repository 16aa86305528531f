"""Products of matrices and vectors on a GPU, in every layout: taken as it lies or copied; beside float64 on the CPU."""
import pytest
import torch

TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5, torch.float16: 1e-2, torch.bfloat16: 5e-2}


@pytest.fixture(params=TOLERANCE, ids=str)
def matrices(request):
    """(a, b of some dtype on the device, the same in float64 on the CPU, a comparison)."""
    generator = torch.Generator().manual_seed(1)
    exact = [torch.randn(*shape, dtype=torch.float64, generator=generator).to(request.param).double()
             for shape in ((7, 5), (5, 6))]

    def same(got, expected):
        assert got.dtype == request.param and got.device.type == "cuda"
        limit = TOLERANCE[request.param]
        return torch.allclose(got.cpu().double(), expected, rtol=limit, atol=5 * limit)

    return [m.to(request.param).cuda() for m in exact], exact, same


def by_columns(matrix):
    return matrix.t().contiguous().t()


def test_layouts(matrices):
    (a, b), (x, y), same = matrices
    for left in (a, by_columns(a)):
        for right in (b, by_columns(b)):
            assert same(left @ right, x @ y)
    assert same(a[::2] @ b, x[::2] @ y)
    assert same(a[:, ::2] @ b[::2], x[:, ::2] @ y[::2])
    assert same(a[:1].expand(7, 5) @ b, x[:1].expand(7, 5) @ y)


def test_results_that_lie_otherwise(matrices):
    (a, b), (x, y), same = matrices
    out = torch.empty(6, 7, dtype=a.dtype, device="cuda").t()
    torch.mm(a, b, out=out)
    assert same(out, x @ y) and out.stride() == (1, 7)
    square = a[:5] * 1
    torch.mm(square, square, out=square)
    assert same(square, x[:5] @ x[:5])


def test_vectors(matrices):
    (a, b), (x, y), same = matrices
    assert same(a @ b[:, 2], x @ y[:, 2])
    assert same(a[0] @ b, x[0] @ y)
    assert same(torch.dot(a[0], b[:, 1]), x[0] @ y[:, 1])
    assert same(torch.addmv(a[:, 0], a, b[:, 2], beta=3, alpha=2), 3 * x[:, 0] + 2 * (x @ y[:, 2]))


def test_sums_with_products(matrices):
    (a, b), (x, y), same = matrices
    ones = torch.ones(7, 6, dtype=a.dtype, device="cuda")
    assert same(torch.addmm(ones, a, b, beta=2, alpha=0.5), 2 + 0.5 * (x @ y))
    assert same(torch.addmm(ones, a[:, :0], b[:0], beta=2), torch.full((7, 6), 2.0, dtype=torch.float64))
    assert same(a[:, :0] @ b[:0], torch.zeros(7, 6, dtype=torch.float64))


def test_batches(matrices):
    (a, b), (x, y), same = matrices
    left, right = torch.stack([a, a * 2]), b.expand(2, 5, 6)
    expected = torch.stack([x @ y, 2 * x @ y])
    assert same(torch.bmm(left, right), expected)
    assert same(left @ b, expected)
    assert same(torch.baddbmm(torch.ones(2, 7, 6, dtype=a.dtype, device="cuda"), left, right), 1 + expected)


@pytest.mark.parametrize("kernel, product", (("addmm_cuda", lambda i: i @ i), ("dot", lambda i: torch.dot(i[0], i[0])),
                                             ("baddbmm_cuda", lambda i: torch.bmm(i[None], i[None])),
                                             ("addmv_impl_cuda", lambda i: i @ i[0])))
def test_integers_have_no_products(kernel, product):
    with pytest.raises(NotImplementedError, match=f"\"{kernel}\" not implemented for 'Long'"):
        product(torch.ones(3, 3, dtype=torch.int64, device="cuda"))


def test_gradients():
    ours = torch.randn(3, 3, device="cuda", requires_grad=True)
    beside = ours.detach().cpu().requires_grad_()
    (ours @ ours).sum().backward()
    (beside @ beside).sum().backward()
    assert torch.allclose(ours.grad.cpu(), beside.grad, atol=1e-5)
