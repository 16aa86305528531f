"""Cases as Python text, one a line: views, gradients, graphs, changes in place, indexing, values of the ops."""

VIEWS = """\
x.view(-1)
x.view(4, 6)
x.view(2, 12)
x.view(-1, 2, 2)
x.reshape(-1)
x.reshape(6, 4)
x.reshape(2, 3, 4)
x.contiguous()
x.transpose(0, 1)
x.transpose(-1, 0)
x.permute(2, 0, 1)
x.permute((1, 0, 2))
x.T
x.mT
x[0].t()
x.unsqueeze(0)
x.unsqueeze(-1)
x[:, :1].squeeze()
x[:, :1].squeeze(1)
x[:, :1].squeeze(0)
x.select(1, 2)
x.select(-1, -1)
x.expand(5, 2, 3, 4)
x[:, :1].expand(2, 3, 4)
x[:, :1].expand(-1, 3, -1)
x.unbind()[1]
x.unbind(-1)[2]
x.as_strided((2, 2), (1, 2))
x.as_strided((2, 2), (1, 2), 3)
x[0]
x[:, 1]
x[..., 1:]
x[::2, 1:, ::3]
x[None]
x[...]
x.detach()
x.clone()
x.double()
x + 1
x.t() if x.dim() < 3 else x[1].t().contiguous()
x.permute(0, 2, 1).contiguous()
x.permute(2, 0, 1).clone()
x.permute(2, 0, 1) * 2
x.permute(2, 0, 1).reshape(-1)
x.sum(1, keepdim=True).expand_as(x) if hasattr(x, 'expand_as') else x.sum(1, keepdim=True).expand(2, 3, 4)""".splitlines()

SHARED = """\
x = torch.zeros(2, 3); y = x.view(-1); y[4] = 7; x
x = torch.zeros(2, 3); y = x.t(); y[2, 1] = 7; x
x = torch.zeros(2, 3); y = x.reshape(3, 2); y[0, 1] = 7; x
x = torch.zeros(2, 3); y = x.t().reshape(-1); y[0] = 7; x
x = torch.zeros(2, 3); y = x.detach(); y.add_(1); [x, x._version, y._version]
x = torch.zeros(2, 3); y = x.data; y.add_(1); [x, x._version, y._version]
x = torch.zeros(2, 3); y = x[0]; y.add_(1); [x, x._version, y._version]
x = torch.zeros(2, 3); a, b, c = x.unbind(1); b.fill_(3); x
x = torch.zeros(2, 3); y = x.expand(2, 2, 3); y[0, 0, 0] = 5; y
x = torch.zeros(4); y = x.as_strided((2, 2), (1, 1)); y[1, 1] = 3; x
x = torch.zeros(2); [x._base is None, x[0]._base is x, x.view(2, 1).t()._base is x]
x = torch.zeros(2); [x.data_ptr() == x[0:1].data_ptr(), x[1].data_ptr() - x.data_ptr()]
x = torch.zeros(2); [x.to(torch.float32) is x, x.contiguous() is x, x.float() is x, x.clone() is x, x.to('cpu') is x]
x = torch.zeros(2); [x.to(torch.float32, copy=True) is x, x.reshape(2) is x, x[...] is x, x.detach() is x]
torch.zeros(2, 3).shape == (2, 3)
torch.zeros(2, 3).stride()
torch.zeros(2, 3).stride(0)
torch.zeros(2, 3).size(-1)
torch.zeros(0, 3).stride()
torch.zeros(3, 0, 2).stride()
torch.zeros(()).stride()
torch.zeros(1, 3).expand(2, 3).is_contiguous()
torch.zeros(2, 1).t().is_contiguous()
torch.ones(2, 3).t().add(1).stride()
torch.ones(2, 3).t().clone().stride()
torch.ones(2, 3).t().double().stride()
(torch.ones(2, 3).t() * torch.ones(3, 2)).stride()
torch.zeros_like(torch.ones(2, 3).t()).stride()
torch.arange(6).view(2, 3).view(torch.float64).shape
torch.arange(6, dtype=torch.int32).view(torch.float32)
torch.ones(3).view(torch.int32)
torch.ones(2, 3).view(torch.float64)
x = torch.ones(2, 3, requires_grad=True) * 1; [node(y) for y in (x.t().reshape(3, 2), x.t().reshape(3, 1, 2), x.reshape(3, 2), x[:, :2].reshape(2, 2), x[:, 1].reshape(2, 1))]""".splitlines()

FORMULAS = """\
x + w
x - w
x * w
x / w
1 / x
2 - x
w - 1
-x
x ** 2
x ** 3
x ** 0.5
x ** 1
x ** 0
x ** -1
x ** w
w ** 2 * x
2 ** x
(x * x + 1) ** w
x.exp()
(x * x + 1).log()
x.reciprocal()
x.add(w, alpha=3)
x.sub(w, alpha=3)
x * 2 + 16
x.sum() * x
x.sum(0) * w
x.sum(1, keepdim=True) * x
x.sum((0, 1))
x.mean() * w
x.mean(0) * w
x.mean(1, keepdim=True) * x
x.max() * x
x.max(0).values * w
x.max(1, keepdim=True)[0] * x
torch.max(x, w)
torch.maximum(x, w)
x.clamp(-1, 1) * x
x.clamp(min=0) ** 2
x.clamp(max=w)
x.clamp(w, w + 1)
torch.where(x > 0, x * x, w)
x @ m
m @ x
x @ w
m.t() @ w
w @ w
torch.dot(w, w * w)
torch.outer(w, w)
torch.mm(x, m) * torch.mm(x, m)
torch.bmm(x.unsqueeze(0), m.unsqueeze(0))
x.expand(4, 2, 3) @ m
x.t() * m
x.transpose(0, 1) ** 2
x.permute(1, 0) * m
x.view(6) * 2
x.view(3, 2) * m
x.reshape(-1) ** 2
x.t().reshape(-1) ** 2
x.expand(2, 2, 3) * x
w.expand(2, 3) * x
x.select(0, 1) * w
x[0] * w
x[:, 1:] ** 2
x[..., None] * 2
x[None] * x
x[T([0, 0, 1])] ** 2
x[:, T([2, 0])] ** 2
x[x > 0.4] ** 2
x[T([0, 1]), T([2, 0])] ** 2
x.unbind(1)[1] ** 2
x.unbind()[0] * x.unbind()[1]
torch.cat([x, x * 2]) ** 2
torch.cat([x, m.t()], 1) ** 2
torch.stack([w, w * 2, x[0]]) ** 2
torch.stack([w, x[0]], 1) ** 2
torch.gather(x, 1, T([[0, 0], [1, 2]])) ** 2
x.unsqueeze(1) * 2
x.unsqueeze(0).squeeze() ** 2
x.unsqueeze(0).squeeze(0) ** 2
x.as_strided((2, 2), (1, 2)) ** 2
x.as_strided((2, 2), (1, 1), 1) ** 2
x.clone() ** 2
x.contiguous() * w
x.t().contiguous() * m
x.float().double() ** 2
x.to(torch.float32) * 2
x.index_put((T([0]), T([1])), w[0] * 3) ** 2
x.index_put((T([0, 0]), T([1, 1])), w[:2] * 3, True) ** 2
torch.rsub(x, w)
(x * w).sum() / w.sum()
x.detach() * x
(x - x.mean()) / x.sum()
x[0, 0] * w
x.sum(dtype=torch.float32).double() * w""".splitlines()

GRAPHS = """\
x = T([2., 3.], requires_grad=True); y = x ** 2 + 16; [graph(y), y.grad_fn.name(), len(y.grad_fn.next_functions)]
x = T([2., 3.], requires_grad=True); y = x * 2; f = y.grad_fn.next_functions; [type(f[0][0]).__name__, f[0][1], f[1], f[0][0].variable is x]
x = T([2., 3.], requires_grad=True); y = x * 2; y.grad_fn.next_functions[0][0].name()
x = T([2., 3.], requires_grad=True); y = x ** 2; y.sum().backward(); [x.grad, x.grad.requires_grad]
x = T([2., 3.], requires_grad=True); (x ** 2).sum().backward(); (x ** 2).sum().backward(); x.grad
x = T([2., 3.], requires_grad=True); y = (x * 3).sum(); y.backward(); y.backward(); x.grad
x = T([2., 3.], requires_grad=True); y = (x * x).sum(); y.backward(retain_graph=True); y.backward(); x.grad
x = T([2., 3.], requires_grad=True); g, = torch.autograd.grad((x ** 2).sum(), x, create_graph=True); [g, graph(g)]
x = T([2., 3.], requires_grad=True); g, = torch.autograd.grad((x ** 3).sum(), x, create_graph=True); h, = torch.autograd.grad(g.sum(), x); [g, h]
x = T([2., 3.], requires_grad=True); (x ** 3).sum().backward(create_graph=True); [x.grad, x.grad.requires_grad]
x = T([2., 3.], requires_grad=True); y = x * 2; y.retain_grad(); (y * y).sum().backward(); [y.grad, y.retains_grad, x.grad]
x = T([2., 3.], requires_grad=True); y = x * 2; y.register_hook(lambda g: g * 10); (y * y).sum().backward(); x.grad
x = T([2., 3.], requires_grad=True); h = x.register_hook(lambda g: g * 10); (x * x).sum().backward(); h.remove(); (x * x).sum().backward(); x.grad
x = T([2., 3.], requires_grad=True); y = x.detach(); [y.requires_grad, y.grad_fn is None, y.is_leaf]
x = T([2., 3.], requires_grad=True); y = x * 2; y.detach_(); [y.requires_grad, y.is_leaf]
x = T([2., 3.], requires_grad=True); torch.set_grad_enabled(False); y = x * 2; torch.set_grad_enabled(True); [y.requires_grad, y.is_leaf, y.grad_fn is None]
x = T([2., 3.], requires_grad=True); f = torch.no_grad()(lambda: x * 2); f()
x = T([2., 3.], requires_grad=True); f = torch.inference_mode()(lambda: x * 2); y = f(); [y, y.is_inference(), y.requires_grad]
x = T([2., 3.], requires_grad=True); y = torch.inference_mode()(lambda: x * 2)(); y.add_(1)
x = T([2., 3.], requires_grad=True); y = torch.inference_mode()(lambda: x * 2)(); y * x
x = T([2., 3.], requires_grad=True); y = torch.inference_mode()(lambda: x * 2)(); y.requires_grad = True
x = T([2., 3.], requires_grad=True); y = torch.inference_mode()(lambda: x * 2)(); y._version
x = T([2., 3.], requires_grad=True); y = T([1., 1.]); z = x * y; graph(z)
x = T([2., 3.], requires_grad=True); y = T([4.], requires_grad=True); torch.autograd.grad((x * 2).sum(), [x, y], allow_unused=True)
x = T([2., 3.], requires_grad=True); torch.autograd.grad(x * 2, x, grad_outputs=T([1., 10.]))
x = T([2., 3.], requires_grad=True); torch.autograd.grad([(x * 2).sum(), (x * 3).sum()], x)
x = T([2., 3.], requires_grad=True); torch.autograd.backward([(x * 2).sum(), (x * 3).sum()]); x.grad
x = T([2., 3.], requires_grad=True); y = x.double(); y.sum().backward(); [graph(y), x.grad]
x = T([2., 3.], requires_grad=True, dtype=torch.float16); (x * T([1., 2.], dtype=torch.float32)).sum().backward(); x.grad
x = torch.ones(2, 3, requires_grad=True); w = torch.ones(3, requires_grad=True); (x * w * T(2.)).sum().backward(); [x.grad, w.grad]
x = torch.ones(1, 3, requires_grad=True); (x + torch.ones(4, 3)).sum().backward(); x.grad
x = T(2., requires_grad=True); (x * torch.ones(2, 2)).sum().backward(); x.grad
x = torch.ones(3, requires_grad=True); x.max().backward(); x.grad
x = torch.ones(2, 3, requires_grad=True); x.max(1).values.sum().backward(); x.grad
x = torch.ones(2, 3, requires_grad=True); m = x.max(1); [node(m.values), m.indices.requires_grad]
x = torch.ones(2, 3, requires_grad=True); [node(v) for v in x.unbind(1)]
x = torch.ones(2, 3, requires_grad=True); [node(v) for v in (x @ x.t(), x @ x[0], x[0] @ x[0], x.expand(2, 2, 3) @ x.t())]
x = torch.ones(2, 3, requires_grad=True); [node(v) for v in (torch.outer(x[0], x[0]), x.t().reshape(-1), x.T, x.mT, x.reshape(3, 2))]
x = torch.ones(2, 3, requires_grad=True); [node(v) for v in (1 - x, 1 / x, x / 2, 2 ** x, x ** x, x ** 2, -x, x - 1, x + 1)]
x = torch.ones(2, 3, requires_grad=True); [node(v) for v in (x.sum(), x.sum(0), x.mean(), x.mean(0), x.max(), x.max(0)[0], x.clamp(0, 1), x.clamp(min=x))]
x = torch.ones(2, 3, requires_grad=True); [node(v) for v in (torch.where(x > 0, x, 0), torch.maximum(x, x), torch.max(x, x), x.exp(), x.log(), x.reciprocal())]
x = torch.ones(2, 3, requires_grad=True); [node(v) for v in (x > 0, x == x, x.to(torch.int64), x.all(), torch.zeros_like(x))]
x = torch.ones(2, requires_grad=True); torch.zeros_like(x, requires_grad=True)
x = torch.ones(2, requires_grad=True); y = x * 2; y.backward(torch.ones(2)); x.grad
x = torch.ones(2, requires_grad=True); y = (x * 2).sum(); y.backward(T(3.)); x.grad
x = torch.ones(2, requires_grad=True); x.grad = T([5., 6.]); (x * 2).sum().backward(); x.grad
x = torch.ones(2, requires_grad=True); (x * 2).sum().backward(); g = x.grad; (x * 2).sum().backward(); [x.grad is g, g]
x = torch.ones(2, requires_grad=True); (x * 2).sum().backward(inputs=[x]); x.grad
x = torch.ones(2, requires_grad=True); y = x[0] * 2; y.backward(); x.grad
x = torch.ones(2, requires_grad=True); [x.is_leaf, (x * 2).is_leaf, T([1.]).is_leaf, x.detach().is_leaf, (T([1.]) * 2).is_leaf]
x = torch.ones(2, requires_grad=True); y = x * x; y.grad_fn._saved_self is x
x = torch.ones(2, requires_grad=True); y = x.exp(); [y.grad_fn._saved_result, y.grad_fn._saved_result is y]
x = torch.ones(2, requires_grad=True); y = x ** 3; y.grad_fn._saved_exponent
x = torch.ones(2, 3, requires_grad=True); y = x.sum(0); [y.grad_fn._saved_dim, y.grad_fn._saved_keepdim, y.grad_fn._saved_self_sym_sizes]""".splitlines()

INPLACE = """\
x = torch.ones(3); x += 2; [x, x._version]
x = torch.ones(3); x.add_(2).mul_(3).sub_(1).div_(2); [x, x._version]
x = torch.ones(3); x -= T([1., 2., 3.]); x *= 2; x /= 4; x **= 2; x
x = torch.ones(3); x.neg_(); x.exp_(); x.log_(); x
x = torch.ones(3); x.zero_(); x.fill_(7); [x, x._version]
x = torch.ones(3); x.copy_(T([1, 2, 3])); [x, x._version]
x = torch.ones(3); y = x.add_(1); y is x
x = torch.arange(4.); x.clamp_(1, 2); x
x = torch.arange(4.); x.pow_(2); x
x = torch.arange(4.); x.reciprocal_(); x
x = torch.arange(4); x &= 2; x
x = torch.arange(4); x |= 1; x
x = torch.arange(4.); x.eq_(2); x
x = torch.arange(4.); x.gt_(1); x
x = torch.ones(2, 3); x.add_(torch.ones(3)); x
x = torch.ones(2, 3); x.t().add_(torch.arange(6.).view(3, 2)); x
x = torch.ones(2, 3); x[:, 1].add_(5); [x, x._version]
x = torch.arange(5.); x[1:].add_(x[:-1].clone()); x
x = torch.ones(3, requires_grad=True); y = x * 2; y.add_(1); [y, graph(y)]
x = torch.ones(3, requires_grad=True); y = x * 2; y.mul_(3); y.sum().backward(); x.grad
x = torch.ones(3, requires_grad=True); y = x * 2; y.mul_(y.detach()); y.sum().backward(); x.grad
x = torch.ones(3, requires_grad=True); y = x * 2; y.pow_(2); y.sum().backward(); x.grad
x = torch.ones(3, requires_grad=True); y = x * 2; y.exp_(); y.sum().backward(); x.grad
x = torch.ones(3, requires_grad=True); y = x * 2; y.zero_(); y.sum().backward(); x.grad
x = torch.ones(3, requires_grad=True); y = x * 2; y.fill_(5); [node(y), y]
x = torch.ones(3, requires_grad=True); y = x * 2; y.fill_(T(5.)); [node(y), y]
x = torch.ones(3, requires_grad=True); y = torch.zeros(3); y.copy_(x); [node(y), y]
x = torch.ones(3, requires_grad=True); y = torch.zeros(3); y += x; [node(y), y]
x = torch.ones(3, requires_grad=True); y = torch.zeros(2, 3); y[0] = x; y.sum().backward(); [node(y), x.grad]
x = torch.ones(3, requires_grad=True); y = torch.zeros(2, 3); v = y[0]; v.copy_(x * 2); [node(y), node(v), graph(v, 2)]
x = torch.ones(3, requires_grad=True); y = x * 1; v = y[1:]; v.mul_(3); y.sum().backward(); [x.grad, graph(y, 2), node(v)]
x = torch.ones(3, requires_grad=True); y = x * 1; v = y.view(3, 1); y.mul_(3); [node(v), graph(v, 2)]
x = torch.ones(2, 2, requires_grad=True); y = x * 1; y.t()[0].mul_(5); y.sum().backward(); x.grad
x = torch.ones(3, requires_grad=True); y = x * 1; y[0] = 5; y.sum().backward(); x.grad
x = torch.ones(3, requires_grad=True); y = x * 1; y[T([0])] = 5; y.sum().backward(); x.grad
x = torch.ones(3, requires_grad=True); y = x * 1; y[y > 0] = 5; y.sum().backward(); x.grad
x = torch.ones(3, requires_grad=True); y = x * 1; y[:2] = T([4., 5.]); y.sum().backward(); [x.grad, node(y)]
x = torch.ones(3, requires_grad=True); w = T([2.], requires_grad=True); y = x * 1; y[0] = w[0] * 3; y.sum().backward(); [x.grad, w.grad]
x = torch.ones(3, requires_grad=True); w = T([2.], requires_grad=True); y = x * 1; y[:] = w; y.sum().backward(); [x.grad, w.grad]
x = torch.ones(3, requires_grad=True); w = T(2., requires_grad=True); y = x * 1; y[:] = w; y.sum().backward(); [x.grad, w.grad, node(y)]
x = torch.ones(3, requires_grad=True); w = T([2., 3.], requires_grad=True); y = x * 1; y.index_put_((T([0, 1]),), w); y.sum().backward(); [x.grad, w.grad]
x = torch.ones(3, requires_grad=True); w = T([2., 3.], requires_grad=True); y = x * 1; y.index_put_((T([0, 0]),), w, True); y.sum().backward(); [x.grad, w.grad]
x = torch.ones(2, 3, requires_grad=True) * 1; w = torch.ones(3, requires_grad=True) * 2; x[:] = w; graph(x, 3)
x = torch.ones(2, 3, requires_grad=True) * 1; w = torch.ones(3, requires_grad=True) * 2; x[0] = w; graph(x, 3)
x = torch.ones(2, 3, requires_grad=True) * 1; w = torch.ones(3, requires_grad=True) * 2; x[0] = w[None]; graph(x, 3)
x = torch.ones(2, 3, requires_grad=True) * 1; w = torch.ones(3, requires_grad=True) * 2; x[:] = w.view(1, 1, 3); graph(x, 3)
x = torch.ones(2, 3, requires_grad=True) * 1; w = torch.ones(3, requires_grad=True) * 2; x[T([0])] = w.view(1, 1, 3); graph(x, 3)
x = torch.ones(2, 3, requires_grad=True) * 1; w = torch.ones(3, requires_grad=True) * 2; x[x > 0] = w[0]; graph(x, 3)
x = torch.ones(2, 3, requires_grad=True) * 1; w = torch.ones(3, requires_grad=True) * 2; x[:, 0] = w[0]; graph(x, 3)
x = torch.ones(3, requires_grad=True); x.data.mul_(2); [x, x._version]
x = torch.ones(3, requires_grad=True); f = torch.no_grad()(lambda: x.mul_(2)); f(); [x, x._version, x.is_leaf]
x = torch.ones(3, requires_grad=True); y = (x * x).sum(); x.data.zero_(); y.backward(); x.grad
x = torch.ones(3, requires_grad=True); y = x * 2; y.detach().add_(1); (y * y).sum().backward(); x.grad
x = torch.ones(3); torch.add(x, 1, out=x); x
x = torch.ones(3); y = torch.empty(0); torch.add(x, 1, out=y); y
x = torch.ones(3); y = torch.empty(2); torch.add(x, 1, out=y); y
x = torch.ones(2, 3); y = torch.zeros(3, 2).t(); torch.mul(x, 5, out=y); [y, y.stride()]
x = torch.ones(2, 3); y = torch.zeros(3); torch.sum(x, 0, out=y); y
x = torch.ones(2, 3); y = torch.zeros(2, 2); torch.mm(x, x.t(), out=y); y
x = torch.ones(2); y = torch.zeros(0); torch.cat([x, x], out=y); y
x = T(1.); x += 1; x
x = torch.ones(3, dtype=torch.int32); x += 2.0
x = torch.ones(3, dtype=torch.int32); x *= 2; x
x = torch.ones(3, dtype=torch.bool); x |= False; x
x = torch.arange(6.).view(2, 3); x.uniform_(0, 0); x""".splitlines()

INDEXED = """\
x = torch.arange(24.).view(2, 3, 4); x[T([0, 1]), :, T([1, 2])]
x = torch.arange(24.).view(2, 3, 4); x[:, T([0, 1]), None, T([1, 2])]
x = torch.arange(24.).view(2, 3, 4); x[T([[True, False, True], [False, True, False]]), 1:3]
x = torch.arange(24.).view(2, 3, 4); x[T(True)]
x = torch.arange(24.).view(2, 3, 4); x[T(1, dtype=torch.uint8)]
x = torch.arange(24.).view(2, 3, 4); x[T([1, 0], dtype=torch.uint8)]
x = torch.arange(24.).view(2, 3, 4); x[T([1], dtype=torch.int16)]
x = torch.arange(24.).view(2, 3, 4); x[[0, 1]]
x = torch.arange(24.).view(2, 3, 4); x[[True, False]]
x = torch.arange(24.).view(2, 3, 4); x[([0, 1], [0, 2])]
x = torch.arange(24.).view(2, 3, 4); x[[]]
x = torch.arange(24.).view(2, 3, 4); x[()]
x = torch.arange(24.).view(2, 3, 4); x[T(1):T(2)]
x = torch.arange(24.).view(2, 3, 4); x[1:2**70]
x = torch.arange(24.).view(2, 3, 4); x[..., 0, ...]
x = torch.arange(24.).view(2, 3, 4); x[..., 0, ..., 0]
x = torch.arange(24.).view(2, 3, 4); x[0, 0, 0, 0]
x = torch.arange(24.).view(2, 3, 4); x[0, 0, 0, T([0])]
x = torch.arange(24.).view(2, 3, 4); x[None, 5]
x = torch.arange(24.).view(2, 3, 4); x[T([0]), :, T([9])]
x = torch.arange(24.).view(2, 3, 4); x[T([0, 1]), T([1, 2, 3])]
x = torch.arange(24.).view(2, 3, 4); x[False, T([0, 1])]
x = T(3.); x[...]
x = T(3.); x[None]
x = T(3.); x[True]
x = T(3.); x[T(True)]
x = T(3.); x[:]
x = T(3.); x[T([0])]
x = T(3.); x[T(0)]
x = T(3.); x[None, 0]
torch.zeros(0, 3)[T([0])]
torch.zeros(0, 3)[T([], dtype=torch.long)]
torch.zeros(3, 0)[T([0, 1])]
torch.zeros(3, 0)[:, T([0, 1])]
torch.zeros(2, 3)[T([], dtype=torch.bool)]
torch.zeros(2, 3)[:, T([[True, False, True]])]
x = torch.ones(2, 3, requires_grad=True) * 1; [node(y) for y in (x[:], x[:, :], x[:, 0], x[...], x[None], x[0], x[T([0])], x[T(0)], x[True], x[()])]
x = torch.ones(2, 3, requires_grad=True) * 1; [graph(y) for y in (x[0:2], x[0:1, :], x[0, :], x[[0]], x[-2:, 0], x[0:5, 0], x[0, 1:])]
x = torch.zeros(2, 3); x[0] = 5; x
x = torch.zeros(2, 3); x[0] = T([[[1., 2., 3.]]]); x
x = torch.zeros(2, 3); x[0] = T([1, 2, 3], dtype=torch.float64); x
x = torch.zeros(2, 3); x[T([0, 1])] = T([[[1., 2., 3.]]]); x
x = torch.zeros(2, 3); x[T([0, 1])] = 7; x
x = torch.zeros(2, 3).long(); x[T([0, 1])] = 7.9; x
x = torch.zeros(2, 3).long(); x[0] = 7.9; x
x = torch.zeros(2, 3).long(); x[0] = T(7.9); x
x = torch.zeros(2, 3); x[x == 0] = 1; x
x = torch.zeros(2, 3); x[x == 1] = T([]); x
x = torch.zeros(2, 3); x[x == 1] = T([1., 2.]); x
x = torch.zeros(2, 3); x[False] = 1; x
x = torch.zeros(2, 3); x[True] = T([1., 2, 3]); x
x = torch.zeros(2, 3); x[None] = T([[[1., 2, 3]]]); x
x = torch.zeros(2, 3); x[...] = T([1., 2, 3]); x
x = torch.zeros(2, 3); x[..., 0] = T([1., 2]); x
x = torch.zeros(2, 3); x[:, 1:] = T([[1.], [2]]); x
x = torch.zeros(2, 3); x[:] = T([1., 2]); x
x = torch.zeros(3).expand(2, 3); x[0] = 1; x
x = torch.zeros(1, 3).expand(2, 3); x[T([0, 1])] = 1; x
x = torch.zeros(2, 3); x[T([0, 1])] = T(3); x
x = torch.arange(6.); x[T([1, 2, 3, 4, 5, 0])] = x; x
x = torch.arange(6.); x.index_put_((T([1, 1]),), T([1., 2]), accumulate=True)
x = torch.arange(6); x.index_put_((x,), x)
torch.zeros(2, 2, dtype=torch.bool).index_put_((T([0, 0]), T([1, 1])), T([True, True]), accumulate=True)
T([1, 2, 3]).index_put((T([0]),), T(7))
T([1, 2, 3]).index_put((T([0]),), T([[7]]))
T([1, 2, 3]).index_put((T([0, 1]),), T([7, 8, 9]))
T([1., 2, 3]).index_put((T([True, False, True]),), T([7., 8.]))
T([1., 2, 3]).index_put((T([True, False, True]),), T([7., 8.]), True)
torch.zeros(2, 3).index_put((T([0, 1]), T([2])), T([7., 8.]), True)
torch.zeros(0, 2).index_put((T([0]),), T(1.))
torch.index_put(torch.zeros(3), (T([1]),), T([2.]))
torch.gather(T([[1, 2], [3, 4]]), 1, T([[0, 0], [1, 0]]))
torch.gather(T([[1, 2], [3, 4]]), 0, T([[0, 1], [1, 1], [0, 0]]))
torch.gather(T([[1, 2], [3, 4]]), -1, T([[1]], dtype=torch.int32))
torch.gather(T(3), 0, T([0, 0]))
torch.gather(T([1., 2]), 0, T([], dtype=torch.long))
torch.select(torch.arange(6).view(2, 3), 1, -1)
torch.arange(10)[torch.arange(10) > 5].sum()
list(torch.arange(6).view(2, 3))
[len(torch.zeros(3, 2)), 2 in torch.arange(3), 9 in torch.arange(3)]
a, b = torch.arange(4).view(2, 2); [a, b]
torch.arange(100003)[T([0, 50001, 100002, -1])]
torch.arange(200000.).view(1000, 200)[T([999, 0, 500])].sum(1)
torch.arange(100003)[(torch.arange(100003) & 4095) == 7]
x = torch.zeros(100003); x[torch.arange(0, 100003, 3)] = 1; x.sum()
x = torch.zeros(1000, 200); x[torch.arange(0, 1000, 7)] = torch.arange(200.); [x.sum(), x[7], x[8].sum()]
x = torch.zeros(50, 300); x.index_put_((torch.arange(5000) & 31,), torch.ones(5000, 300), accumulate=True); [x[0, 0], x[31, 299], x[32, 0], x.sum()]""".splitlines()

VALUES = """\
x = torch.arange(100003.) / 7; y = torch.exp(-x / 1e4); [y[0], y[50001], y[100002], y.sum()]
x = torch.arange(100003.) / 7 + 1; y = torch.log(x); [y[0], y[50001], y[100002], y.sum()]
x = torch.arange(100003.); [(x + x)[100002], (x * 2)[77777], (x - 1).sum(), (x / 3)[99999]]
x = torch.arange(100003); [x.sum(), x.max(), (x * x).sum(), (x > 50000).sum(), x.double().mean()]
x = torch.arange(300000.).view(300, 1000); [x.sum(0)[::250], x.sum(1)[::100], x.t().sum(0)[::100], x.mean(), x.max(1).indices[:3]]
x = torch.arange(90000.).view(300, 300) / 1e4; y = x @ x; [y[0, 0], y[17, 250], y[299, 299], (x.t() @ x)[5, 6]]
x = torch.arange(60000).view(200, 300); (x[:5] @ x[:300 // 2, :].t()[:, :4])
x = torch.full((1000003,), 0.1); [x.sum(), x.mean(), x.double().sum()]
x = torch.full((5000,), 0.1, dtype=torch.float16); [x.sum(), x.mean()]
x = torch.full((5000,), 0.1, dtype=torch.bfloat16); [x.sum(), x.mean()]
x = torch.arange(90000.).view(300, 300); y = x.t().contiguous(); [y[1, 0], y[0, 1], y[299, 298], y.sum()]
x = torch.arange(90000).view(300, 300); [x.to(torch.float32).t().to(torch.int16)[7, 9], x.to(torch.uint8)[1, 0]]
T([float('nan'), 1., 2.]).max()
T([float('nan'), 1., 2.]).max(0)
T([1., float('nan'), 2., float('nan')]).max(0)
T([3, 1, 3]).max(0)
torch.maximum(T([float('nan'), 1.]), T([1., float('nan')]))
T([float('nan'), 1., -1.]).clamp(0, 0.5)
T([1., 2.]).clamp(float('nan'))
T([0., -0., 1., -1.]) / 0
T([0, 1, -1]) / 0
T([2., -2., 0.]) ** T([3., 3., 0.])
T([-8.]) ** (1 / 3)
T([0., 2.]) ** -1
T([2, 3]) ** T([3, 2])
T([1.5]).exp().log()
torch.zeros(0).sum()
torch.zeros(0).mean()
torch.zeros(0, 3).sum(0)
torch.zeros(0, 3).mean(0)
torch.zeros(0, 3).sum(1)
torch.zeros(2, 0) @ torch.zeros(0, 3)
torch.zeros(0).all()
torch.zeros(0).any()
torch.ones(2, 3).all(1)
T([1., 0.]).any(0, True)
torch.arange(0)
torch.arange(1, 5, 2)
torch.arange(0, 1, 0.1)
torch.arange(5, dtype=torch.float16)
torch.arange(0.5, 3)
torch.arange(3, 0, -1)
torch.full((2, 2), 3.5)
torch.full((), 3)
torch.ones(2, 2, dtype=torch.bool)
torch.zeros((2, 3))
torch.zeros([2])
torch.zeros(())
torch.zeros(2, 3, dtype=torch.int8)
torch.empty(2, 3).shape
torch.zeros(torch.Size([2]))
torch.ones(2).tolist()
torch.arange(4).view(2, 2).tolist()
[T(3).item(), T(2.5).item(), T(True).item(), T([[4]]).item()]
[int(T(3.7)), float(T(3)), bool(T(0.)), bool(T([1]))]
[T(2).dim(), torch.ones(2, 3).numel(), torch.ones(2, 3).ndim, torch.ones(2).element_size(), torch.ones(2).nbytes]
T([1., 2.]).equal(T([1., 2.])) if hasattr(torch.Tensor, 'equal') else True
T(T([1., 2.]))
T([T(1.), T(2.)])
T([[1, 2], [3, 4]]).t()
T(((1, 2), (3, 4)))
T(range(3))
torch.stack([T([1, 2]), T([3, 4])]).unbind(1)
torch.ones(2, 3).unbind()
torch.ones(3).sum().item()
torch.max(T([[1, 5], [7, 2]]))
torch.max(T([[1, 5], [7, 2]]), 1)
torch.max(T([1, 5]), T([3, 2]))
torch.max(T([[1, 5], [7, 2]]), dim=0, keepdim=True).indices
sum(T([1., 2., 3.]))
max(T([1., 3., 2.]))
T([1., 2.]) == T([1., 3.])
T([1]) != None
(T([1., 2.]) > 1) & (T([1., 2.]) < 3)
T([1, 2, 3]) & 1
True & T([True, False])
6 - T([1, 2])
6 / T([1, 2])
2.0 ** T([1, 2])
T([1, 2]) + T([[1], [2]])
torch.ones(3, 1) * torch.ones(1, 4) * T(2)
torch.outer(T([1, 2]), T([3, 4]))
T([1., 2.]).to('cpu', torch.float64)
T([1., 2.]).to(T([1]))
T([1.5]).type(torch.int64)
T([1.5]).type()
T([1.5]).int().dtype
torch.is_tensor(T([1]))
torch.bitwise_or(T([5]), T([2]))
torch.reciprocal(T([2.]))
torch.pow(2, T([1., 2.]))
torch.pow(T([3.]), 2)
torch.sub(T([3.]), 1, alpha=2)
torch.clamp(T([1., 5.]), max=2)
torch.clamp(T([1., 5.]), min=T([2., 2.]))
torch.clamp(T([1., 5.]), 3, 2)
torch.permute(torch.ones(2, 3), (1, 0)).shape
torch.transpose(torch.arange(6).view(2, 3), 0, 1)
torch.reshape(torch.arange(6), (3, 2))
torch.squeeze(torch.ones(1, 2, 1)).shape
torch.unsqueeze(torch.ones(2), 0).shape
torch.all(T([True, False]))
torch.any(T([[True, False], [False, False]]), 1)
torch.clone(T([1.]))
torch.rsub(T([1.]), 5)
torch.where(T([True, False]), T([1., 2.]), T([3., 4.]))""".splitlines()
