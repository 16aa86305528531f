"""What an op wants as arguments: templates, one line each, for the ops whose arguments do not follow from their signature.

A template is the argument list of the function form. In it stand for inputs of the dtype and layout that is tried:
x[2,3] any numbers, p[2,3] positive ones, u[2,3] numbers from 0 to 1, d[2,3] all different; i[2,3;5] indices below 5,
m[2,3] a mask. `…` before the first comma is the method's self. Lines that begin with an op's name start its list.
"""

TEXT = """
# products
mm          x[2,3], x[3,4] | x[3,2], x[2,3] | x[0,3], x[3,2] | x[2,0], x[0,3] | x[1,3], x[3,1]
mv          x[2,3], x[3] | x[3,3], x[3] | x[0,3], x[3] | x[2,0], x[0]
dot vdot inner  x[3], x[3] | x[5], x[5] | x[0], x[0] | x[1], x[1]
bmm         x[2,2,3], x[2,3,4] | x[1,3,3], x[1,3,2] | x[0,2,3], x[0,3,2] | x[2,2,0], x[2,0,3] | x[3,1,2], x[3,2,1]
matmul      x[3], x[3] | x[2,3], x[3] | x[3], x[3,2] | x[2,3], x[3,2] | x[2,2,3], x[3,2] | x[2,2,3], x[3] | x[3], x[2,3,2] | x[2,2,3], x[2,3,2] | x[2,1,2,3], x[3,3,2] | x[0,3], x[3,2]
outer ger   x[3], x[2] | x[2], x[4] | x[0], x[2] | x[1], x[3]
addr        x[2,3], x[2], x[3] | x[3], x[2], x[3] | x[2,3], x[2], x[3], beta=2, alpha=3 | x[2,1], x[2], x[2], beta=0
addmm       x[2,4], x[2,3], x[3,4] | x[4], x[2,3], x[3,4] | x[2,1], x[2,3], x[3,4], beta=2, alpha=3 | x[2,4], x[2,3], x[3,4], beta=0 | x[2,4], x[2,0], x[0,4] | x[], x[2,3], x[3,4], alpha=2
addmv       x[2], x[2,3], x[3] | x[1], x[2,3], x[3] | x[2], x[2,3], x[3], beta=2, alpha=3 | x[2], x[2,3], x[3], beta=0
addbmm      x[2,4], x[3,2,3], x[3,3,4] | x[4][:], x[3,2,3], x[3,3,4], beta=2, alpha=3
baddbmm     x[2,2,4], x[2,2,3], x[2,3,4] | x[4], x[2,2,3], x[2,3,4] | x[1,2,4], x[2,2,3], x[2,3,4], beta=2, alpha=3 | x[2,2,4], x[2,2,3], x[2,3,4], beta=0
linear      x[2,3], x[4,3] | x[2,3], x[4,3], x[4] | x[3], x[4,3], x[4] | x[2,2,3], x[4,3], x[4] | x[2,2,3], x[4,3] | x[3], x[3] | x[2,3], x[3] | x[0,3], x[2,3], x[2]
einsum      'ij,jk->ik', x[2,3], x[3,4] | 'ij->ji', x[2,3] | 'ii->i', x[3,3] | 'ii', x[3,3] | 'ij,ij->', x[2,3], x[2,3] | 'bij,bjk->bik', x[2,2,3], x[2,3,2] | '...i,i->...', x[2,2,3], x[3] | 'i,j', x[2], x[3] | 'ij,jk', x[2,3], x[3,2] | 'ij->', x[2,3] | 'bhid,bhjd->bhij', x[2,1,2,3], x[2,1,2,3] | 'a,ab,abc->abc', x[2], x[2,3], x[2,3,2] | 'ij,jk,kl->il', x[2,3], x[3,2], x[2,2]
tensordot   x[2,3], x[3,4], 1 | x[2,3], x[2,3], 2 | x[2,3,2], x[3,2,2], 2 | x[2], x[3], 0 | x[2,3], x[2,3], ([1], [1]) | x[2,3,2], x[3,2], ([1, 2], [0, 1]) | x[2,3,4], x[4,3], dims=([2, 1], [0, 1])
kron        x[2,3], x[2,2] | x[2], x[3] | x[2,1], x[3] | x[], x[2]
vecdot      x[3], x[3] | x[2,3], x[2,3] | x[2,3], x[3] | x[3,2], x[3,2], dim=0 | x[0], x[0] | x[2,1,3], x[2,3]
multi_dot   [x[2,3], x[3,4]] | [x[2,3], x[3,4], x[4,2]] | [x[3], x[3,2]] | [x[3], x[3,2], x[2]] | [x[1,2], x[2,3], x[3,1], x[1,2]]
chain_matmul  x[2,3], x[3,4] | x[2,3], x[3,4], x[4,2]
cross       x[2,3], x[2,3] | x[3], x[3] | x[3,2], x[3,2], dim=0
cdist       x[2,3], x[4,3] | x[2,3], x[4,3], p=1.0
# shapes
view reshape  x[2,3], (3, 2) | x[2,3], (-1,) | x[2,3], (6, 1) | x[2,2,3], (4, 3) | x[2,2,3], (2, -1) | x[0,3], (3, 0) | x[], (1, 1) | x[2,3], (2, 1, 3)
view_as reshape_as  x[2,3], x[3,2] | x[4], x[2,2] | x[2,2,3], x[4,3] | x[0,3], x[3,0]
flatten     x[2,3] | x[2,2,3], 1 | x[2,2,3], 0, 1 | x[] | x[2,2,3], start_dim=-2 | x[0,3] | x[2,3,1], 1, -1
unflatten   x[6], 0, (2, 3) | x[2,6], 1, (3, -1) | x[2,6], -1, (2, 3)
ravel       x[2,3] | x[4] | x[] | x[0,3]
t adjoint   x[2,3] | x[3] | x[] | x[0,3] | x[3,1]
transpose swapaxes swapdims  x[2,3], 0, 1 | x[2,3], -1, 0 | x[2,2,3], 0, 2 | x[2,2,3], 1, 1 | x[], 0, -1 | x[0,3], 0, 1
permute     x[2,3], (1, 0) | x[2,2,3], (2, 0, 1) | x[2,2,3], (-1, 0, 1) | x[], () | x[0,3], (1, 0)
movedim moveaxis  x[2,3], 0, 1 | x[2,2,3], 0, -1 | x[2,2,3], (0, 1), (1, 2) | x[2,1,3], (2, 0), (0, 1)
squeeze     x[2,1,3] | x[1,3,1] | x[2,1,3], 1 | x[2,1,3], 0 | x[1,3,1], (0, 2) | x[1,3,1], (0, 1) | x[] | x[], 0 | x[1], -1
unsqueeze   x[2,3], 0 | x[2,3], -1 | x[2,3], 1 | x[], 0 | x[0,3], 2
expand broadcast_to  x[3], (2, 3) | x[2,1], (2, 3) | x[1,3], (4, 2, 3) | x[], (2,) | x[2,3], (2, -1) | x[1], (0,)
expand_as   x[3], x[2,3] | x[2,1], x[2,3] | x[], x[2] | x[1,3], x[2,2,3]
repeat      x[2,3], (2, 1) | x[3], (2, 2) | x[2,3], (1, 2) | x[2], (0,) | x[], (3,) | x[2,3], (2, 1, 2) | x[0,3], (2, 2)
tile        x[2,3], (2, 1) | x[3], (2, 2) | x[2,3], (2,) | x[], (3,)
repeat_interleave  x[3], 2 | x[2,3], 2, 0 | x[2,3], 3, dim=1 | x[2,3], T([1, 2]), 0 | x[3], T([0, 2, 1]) | x[2,3], T([2]), 1 | x[2,3], T([1, 2]), 0, output_size=3 | x[2,3], 0, 0
narrow narrow_copy  x[2,3], 1, 1, 2 | x[4], 0, 1, 2 | x[2,3], 0, 0, 1 | x[2,3], -1, -2, 1 | x[4], 0, 2, 0
select      x[2,3], 0, 1 | x[2,3], 1, -1 | x[4], 0, 2 | x[2,2,3], -1, 0
index_select  x[2,3], 0, T([1, 0]) | x[2,3], 1, T([0, 2, 2]) | x[4], 0, T([3]) | x[2,3], -1, T([1], dtype=torch.int32) | x[2,3], 0, T([], dtype=torch.long) | x[], 0, T([0]) | x[4], 0, T(1)
split       x[5], 2 | x[2,3], 2, 1 | x[5], [2, 3] | x[2,3], [1, 2], dim=1 | x[4], 4 | x[0,3], 2 | x[4], 9
split_with_sizes  x[5], [2, 3] | x[2,3], [1, 2], 1 | x[4], [0, 4]
chunk       x[5], 2 | x[2,3], 3, 1 | x[5], 3 | x[2,3], 2, -1 | x[0,3], 2 | x[2], 5
tensor_split  x[5], 2 | x[5], 3 | x[2,3], (1, 2), 1 | x[5], (1, 3) | x[2,3], 2, dim=1 | x[5], T([1, 3])
hsplit      x[4], 2 | x[2,4], 2 | x[2,4], [1, 3]
vsplit      x[4,2], 2 | x[4,2], [1, 3]
dsplit      x[2,2,4], 2 | x[2,2,4], [1, 3]
unbind      x[2,3] | x[2,3], 1 | x[4] | x[2,3], dim=-1 | x[0,3]
cat concat concatenate  [x[2,3], x[2,3]] | [x[2,3], x[1,3]], 0 | [x[2,3], x[2,2]], dim=1 | (x[2,3], x[2,3]), -1 | [x[4]] | [x[0], x[2,3]] | [x[0,3], x[2,3]] | [x[2,3], x[2,3], x[2,3]], 1
stack       [x[2,3], x[2,3]] | [x[2,3], x[2,3]], 1 | [x[2,3], x[2,3]], dim=-1 | [x[], x[]] | [x[4]] | [x[0,3], x[0,3]]
hstack vstack dstack row_stack column_stack  [x[2,3], x[2,3]] | (x[3], x[3]) | [x[], x[]] | [x[2,2,3], x[2,2,3]] | [x[0,3], x[0,3]]
block_diag broadcast_tensors cartesian_prod  x[2], x[2]
broadcast_tensors  x[2,1], x[3] | x[2,3], x[] | x[2,1], x[1,3] | x[3]
block_diag  x[2,3], x[2,2] | x[3], x[] | x[2,2]
cartesian_prod  x[2], x[3] | x[3] | x[2], x[2], x[2]
combinations  x[3] | x[4], 3 | x[3], 2, True
meshgrid    x[2], x[3] | x[2], x[3], indexing='ij' | x[2], x[3], indexing='xy' | x[2], x[] | [x[2], x[2], x[3]], indexing='ij'
atleast_1d atleast_2d atleast_3d  x[] | x[3] | x[2,3] | x[2,2,3] | [x[], x[2]]
roll        x[2,3], 1 | x[2,3], 1, 0 | x[2,3], (1, -1), (0, 1) | x[4], -1 | x[4], 6, 0 | x[0,3], 1, 0
flip        x[2,3], (0,) | x[2,3], (0, 1) | x[2,3], (-1,) | x[4], (0,) | x[2,3], () | x[0,3], (0,) | x[2,2,3], (0, 2)
fliplr      x[2,3] | x[2,2,3]
flipud      x[2,3] | x[4]
rot90       x[2,3] | x[2,3], 2 | x[2,3], -1, (0, 1) | x[2,2,3], 1, (1, 2) | x[2,3], 4
unfold      x[5], 0, 2, 1 | x[5], 0, 3, 2 | x[2,3], 1, 2, 1 | x[4], 0, 4, 1
as_strided  x[6], (2, 2), (2, 1) | x[2,3], (2, 2), (1, 1) | x[6], (3,), (2,), 1
diag        x[3] | x[3], 1 | x[2,3] | x[3,3], -1 | x[2,3], 1 | x[0]
diagonal    x[3,3] | x[2,3], 1 | x[2,3], -1 | x[2,2,3], 0, 1, 2 | x[2,2,3], offset=1, dim1=0, dim2=2
diag_embed  x[3] | x[2,3] | x[2,3], 1 | x[2,3], 0, 0, 2 | x[3], -1
diagflat    x[3] | x[2,3] | x[3], 1
tril triu   x[3,3] | x[2,3], 1 | x[3,2], -1 | x[2,2,3] | x[0,3] | x[3,3], diagonal=-2
tril_indices triu_indices  3, 3 | 2, 4, 1 | 4, 2, -1 | 5, 2 | 3, 3, offset=1, dtype=torch.int32 | 0, 2 | 1, 1, -5 | 1, 1, -2 | 1, 1, 0 | 1, 1, 1 | 1, 1, 7 | 1, 5, -5 | 1, 5, -2 | 1, 5, 0 | 1, 5, 1 | 1, 5, 7 | 5, 1, -5 | 5, 1, -2 | 5, 1, 0 | 5, 1, 1 | 5, 1, 7 | 4, 4, -5 | 4, 4, -2 | 4, 4, 0 | 4, 4, 1 | 4, 4, 7 | 3, 6, -5 | 3, 6, -2 | 3, 6, 0 | 3, 6, 1 | 3, 6, 7 | 6, 3, -5 | 6, 3, -2 | 6, 3, 0 | 6, 3, 1 | 6, 3, 7 | 2, 0, -5 | 2, 0, -2 | 2, 0, 0 | 2, 0, 1 | 2, 0, 7
trace       x[3,3] | x[2,3] | x[3,1] | x[0,0]
slice_scatter  x[4], x[2], 0, 1, 3 | x[2,3], x[2,1], 1, 0, 1 | x[4], x[2], step=2
select_scatter  x[2,3], x[3], 0, 1 | x[2,3], x[2], 1, -1
diagonal_scatter  x[3,3], x[3] | x[3,3], x[2], 1
# indexing
gather      x[2,3], 1, i[2,2;3] | x[2,3], 0, i[1,3;2] | x[4], 0, i[3;4] | x[2,3], -1, i[2,3;3] | x[], 0, T([0, 0]) | x[2,3], 1, i[0,2;3] | x[2,2,3], 2, i[2,1,2;3]
scatter     x[2,3], 1, i[2,2;3], x[2,2] | x[2,3], 0, i[1,3;2], x[1,3] | x[4], 0, i[3;4], 2 | x[2,3], 1, i[2,2;3], 1.5 | x[2,3], 1, i[2,2;3], x[2,3], reduce='add' | x[2,3], 1, i[2,2;3], x[2,2], reduce='multiply' | x[2,3], 1, i[2,2;3], 2, reduce='add' | x[2,3], 1, i[0,2;3], x[2,2]
scatter_add  x[2,3], 1, i[2,2;3], x[2,2] | x[2,3], 0, i[2,3;2], x[2,3] | x[4], 0, T([1, 1, 3]), x[3] | x[2,3], 0, i[0,3;2], x[0,3]
scatter_reduce  x[2,3], 1, i[2,2;3], x[2,2], 'sum' | x[2,3], 0, T([[1, 0, 1]]), x[1,3], reduce='prod' | x[4], 0, T([1, 1, 3]), x[3], 'mean' | x[4], 0, T([1, 1, 3]), x[3], 'amax' | x[4], 0, T([1, 1, 3]), x[3], 'amin', include_self=False
index_add   x[2,3], 0, T([1, 0]), x[2,3] | x[2,3], 1, T([0, 0]), x[2,2], alpha=2 | x[4], 0, T([3]), x[1] | x[4], 0, T([1, 1, 1]), x[3] | x[2,3], -1, T([2], dtype=torch.int32), x[2,1]
index_copy  x[2,3], 0, T([1, 0]), x[2,3] | x[2,3], 1, T([0, 2]), x[2,2] | x[4], 0, T([3]), x[1]
index_fill  x[2,3], 0, T([1]), 2 | x[2,3], 1, T([0, 2]), 0.5 | x[4], 0, T([3, 1]), T(2.) | x[4], 0, T([], dtype=torch.long), 1 | x[2,3], -1, T([-1]), -1
index_put   x[2,3], (T([0, 1]), T([2, 0])), x[2] | x[4], (T([1, 1]),), x[2], True | x[2,3], (T([1]),), x[3] | x[2,3], (m[2,3],), x[] | x[2,3], (None, T([0])), x[2,1]
masked_fill  x[2,3], m[2,3], 2 | x[2,3], m[3], 0.5 | x[4], m[4], T(1.) | x[], m[], 1 | x[2,3], m[2,1], float('-inf') | x[0,3], m[3], 1 | x[3], m[2,3], 1
masked_select  x[2,3], m[2,3] | x[2,3], m[3] | x[4], m[4] | x[], m[] | x[0,3], m[3] | x[3], m[2,3]
masked_scatter  x[2,3], m[2,3], x[2,3] | x[4], m[4], x[4] | x[2,3], m[3], x[2,3]
take        x[2,3], i[2;6] | x[2,3], i[2,2;6] | x[4], T([-1, 0]) | x[2,3], T(3) | x[4], T([], dtype=torch.long)
put         x[2,3], i[2;6], x[2] | x[4], T([0, -1]), x[2] | x[4], T([1, 1]), x[2], True
take_along_dim  x[2,3], i[2,2;3], 1 | x[2,3], i[2;6] | x[2,3], T([[1, 0, 1]]), dim=0
nonzero argwhere  x[2,3] | x[4] | x[] | x[0,3] | m[2,3]
one_hot     i[4;3] | i[2,2;3], 5 | i[3;3], num_classes=-1 | T(2) | T([], dtype=torch.long), 3 | T([1, 5]), 3 | T([-1, 1]) | i[1;2] | i[1;5] | i[7;2] | i[7;5] | i[2,3;2] | i[2,3;5] | i[3,1,2;2] | i[3,1,2;5] | i[4;2], 2 | i[4;3], 4 | i[4;5], 8 | i[4;4], 4 | i[2,3;2], 2 | i[2,3;3], 4 | i[2,3;5], 8 | i[2,3;4], 4 | i[2,1,2;2], 2 | i[2,1,2;3], 4 | i[2,1,2;5], 8 | i[2,1,2;4], 4 | i[0,2;2], 2 | i[0,2;3], 4 | i[0,2;5], 8 | i[0,2;4], 4 | i[2,0;2], 2 | i[2,0;3], 4 | i[2,0;5], 8 | i[2,0;4], 4 | T(0), num_classes=1 | T(0), num_classes=4 | T(3), num_classes=4 | T(3), num_classes=-1 | T(0), num_classes=-1
# reductions
norm        x[2,3] | x[4] | x[2,3], 1 | x[2,3], 2, 1 | x[2,3], float('inf') | x[2,3], 'fro' | x[2,3], p=3, dim=0, keepdim=True | x[2,3].detach(), 0, 1 | x[2,3], 3, (0, 1) | x[2,3], dim=1 | x[2,3], 2, 1, True, dtype=torch.float64 | x[]
dist        x[2,3], x[2,3] | x[2,3], x[3], 1 | x[3], x[3], float('inf') | x[3].detach(), x[3].detach(), 0
kthvalue    d[1,4], 2 | d[2,3], 1, 0 | d[2,3], 3, dim=1, keepdim=True | d[], 1
topk        d[1,4], 2 | d[2,3], 2, 0 | d[2,3], 1, dim=-1, largest=False | d[2,3], 3, sorted=False | d[5], 0 | d[1,5], 5, largest=False | d[], 1
median nanmedian  x[2,3] | x[4] | x[], 0 | x[2,3], 1 | x[0,3] | x[1,3], 0, True | x[2,3], -1, keepdim=True | x[1,2,3], dim=0 | x[2,2,3]
sort argsort  x[4] | d[2,3], 0 | d[2,3], dim=1, descending=True | x[2,3], stable=True, dim=0 | x[] | x[0,3] | x[9], 0, True
msort       x[4] | d[2,3] | x[9]
unique      x[9] | x[9], True, True | x[9], return_counts=True | x[2,3], dim=1 | x[2,3], return_inverse=True, return_counts=True | x[0] | x[2,3], dim=0, return_inverse=True | x[9], sorted=False
unique_dim  x[2,3], 0 | x[2,3], 1, True, True, True | x[4], 0 | x[2,2,3], -1, return_counts=True | x[0,3], 0 | x[2,3], dim=0, sorted=False
_unique2    x[9] | x[9], True, True | x[9], return_counts=True | x[2,3], return_inverse=True, return_counts=True | x[0] | x[]
unique_consecutive  x[9] | x[9], True | x[9], return_counts=True | x[2,3], dim=1 | T([1, 1, 2, 2, 1])
quantile nanquantile  d[5], 0.5 | d[2,3], 0.25, 1 | d[2,3], T([0.25, 0.75]), dim=0, keepdim=True | d[5], 0.3, interpolation='nearest' | d[5], 0.3, interpolation='lower' | d[5], 0.3, interpolation='higher' | d[5], 0.3, interpolation='midpoint'
histc       x[9] | x[9], 4 | x[9], 4, -1, 2 | x[9], bins=3, min=-2, max=2
bincount    i[9;4] | i[9;4], x[9] | i[9;4], minlength=7 | T([], dtype=torch.long)
searchsorted  T([0., 1., 2.]), x[2,3] | T([0., 1., 2.]), 1 | T([0., 1., 2.]), x[4], right=True | T([0., 1., 2.]), x[4], side='left', out_int32=True
bucketize   x[2,3], T([0., 1., 2.]) | 1, T([0., 1., 2.]) | x[4], T([0., 1., 2.]), right=True | x[4], T([0., 1., 2.]), out_int32=True
diff        x[4] | x[2,3] | x[2,3], dim=0 | x[4], 2 | x[4], prepend=x[1] | x[2,3], append=x[2,1]
cov corrcoef  x[2,3] | x[4]
std var std_mean var_mean  x[2,3] | x[4] | x[2,3], 1 | x[2,3], (0, 1) | x[2,3], False | x[2,3], 1, False | x[2,3], 1, True, True | x[2,3], dim=0, correction=0 | x[2,3], 0, correction=2, keepdim=True | x[2,3], unbiased=False | x[], | x[1] | x[2,3], dim=None, correction=0
logsumexp   x[2,3], 1 | x[2,3], (0, 1) | x[4], 0, True | x[2,3], dim=0, keepdim=True | x[], 0 | x[0,3], 0
softmax log_softmax  x[2,3], 1 | x[2,3], 0 | x[4], -1 | x[], 0 | x[0,3], 1 | x[2,2,3], 1 | x[2,3], 1, torch.float64 | x[2,3], dim=-1, dtype=torch.float32
cumsum cumprod  x[4], 0 | x[2,3], 1 | x[2,3], 0 | x[2,3], -1, dtype=torch.float64 | x[], 0 | x[0,3], 1 | x[2,3], dim=1, dtype=torch.int64
cummax cummin logcumsumexp  x[4], 0 | x[2,3], 1 | x[2,3], 0 | x[], 0 | x[0,3], 1 | x[2,3], dim=-1
# pointwise with arguments of their own
log log2 log10 log1p sqrt rsqrt lgamma digamma  p[2,3] | x[2,3] | p[4] | p[] | p[0,3] | p[2,2,3]
asin acos atanh erfinv logit arcsin arccos arctanh  u[2,3] | x[2,3] | u[4] | u[] | u[0,3]
acosh arccosh  p[2,3] | x[2,3] | p[4]
pow float_power  p[2,3], x[2,3] | p[2,3], x[3] | x[2,3], 2 | x[2,3], 3 | p[2,3], 0.5 | p[2,3], -1 | x[2,3], 0 | 2, x[2,3] | x[2,3], T(2) | p[2,3], 1.5 | 0.5, x[4] | x[2,3], -2 | x[2,3], 1
lerp        x[2,3], x[2,3], 0.5 | x[2,3], x[3], x[2,3] | x[4], x[4], 2 | x[2,3], x[2,3], T(0.25) | x[], x[2], 1.5
addcmul addcdiv  x[2,3], x[2,3], p[2,3] | x[3], x[2,3], p[3], value=2 | x[2,3], x[2,1], p[3], value=0.5
round       x[2,3] | x[4] | x[2,3], decimals=1 | x[2,3], decimals=-1 | x[] | x[2,3], decimals=0
clamp clip  x[2,3], 0, 1 | x[2,3], -1 | x[2,3], max=1 | x[2,3], x[2,3], x[3] | x[2,3], min=x[3] | x[2,3], max=x[2,3] | x[4], 0.5, 2.5 | x[], 0 | x[2,3], min=0, max=None
nan_to_num  x[2,3] | x[4] / 0 | x[4] / 0, 1.0, 2.0, -2.0 | x[4] / 0, nan=0.5
where       m[2,3], x[2,3], x[2,3] | m[3], x[2,3], x[3] | x[2,3] > 0, x[2,3], 0 | m[2,3], 1.5, x[2,3] | m[4], 1, 0 | m[], x[2], x[2] | m[2,1], x[2,3], T(1.) | m[2,3]
isclose     x[2,3], x[2,3] | x[2,3], x[3], 0.1, 0.5 | x[2,3], x[2,3], atol=1.0 | x[4] / 0, x[4] / 0, equal_nan=True
allclose    x[2,3], x[2,3] | x[2,3], x[2,3], atol=10.0 | x[4] / 0, x[4] / 0, equal_nan=True | x[3], x[2,3], 0.1, 9.0
equal       x[2,3], x[2,3] | x[2,3], x[3] | x[0], x[0] | m[3], m[3] | x[4], x[4] + 0
ldexp       x[2,3], i[2,3;4]
bitwise_left_shift bitwise_right_shift  x[2,3], i[2,3;4] | x[2,3], 2 | x[2,3], i[3;4] | x[4], i[4;3]
heaviside copysign xlogy hypot logaddexp logaddexp2 fmax fmin  x[2,3], x[2,3] | x[2,3], x[3] | x[2,1], x[1,3] | x[], x[2] | x[0,3], x[3] | x[4], x[4]
copysign    x[2,3], x[2,3] | x[2,3], x[3] | x[2,1], x[1,3] | x[], x[2] | x[0,3], x[3] | x[4], x[4] | x[2,3], -2 | x[2,3], 0.0
xlogy       x[2,3], x[2,3] | x[2,3], x[3] | x[2,1], x[1,3] | x[], x[2] | x[0,3], x[3] | x[4], x[4] | 2, p[2,3] | x[2,3], 2 | 0, x[3]
# creation
zeros ones  2, 3 | (2, 3) | (2,), dtype=torch.int32 | () | (0, 2), dtype=torch.bool | 3, requires_grad=True | (2,), device='cpu'
full        (2, 3), 1.5 | (2,), 3 | (), True | (2,), 2, dtype=torch.float16 | (2, 0), 1.0
empty_like zeros_like ones_like rand_like randn_like  x[2,3] | x[4] | x[] | x[0,3] | x[2,3], dtype=torch.float64 | x[2,3], memory_format=torch.contiguous_format | x[2,2,3]
full_like   x[2,3], 2 | x[4], 1.5 | x[2,3], True, dtype=torch.float64
randint_like  x[2,3], 5 | x[4], 2, 9 | x[2,3], 10, dtype=torch.int64
new_zeros new_ones new_empty  x[2,3], (2, 2) | x[2,3], (3,), dtype=torch.float64 | x[], () | x[2], (0, 2)
new_full    x[2,3], (2, 2), 7 | x[2], (3,), 1.5, dtype=torch.float64
arange      5 | 5.0 | 1, 7 | 1, 7, 2 | 0, 1, 0.25 | 5, dtype=torch.float64 | 3, 0, -1 | 0 | 2.5, 6 | 4, dtype=torch.int8 | end=3
range       1, 4 | 0, 3 | 1, 7, 2 | 3, 0, -1 | 0, 1, 0.5 | 2.5, 6
linspace    0, 1, 5 | -2, 3, steps=4 | 1, 1, 1 | 0, 10, 3, dtype=torch.int64 | 0, 1, 0 | 0, 1, 7, dtype=torch.float64 | T(0.), T(2.), 3 | 0, 1, 50
logspace    0, 2, 3 | 0, 1, 4, 2.0 | -1, 1, steps=5, dtype=torch.float64
eye         3 | 2, 3 | 3, 2, dtype=torch.int64 | 0 | 2, requires_grad=True
rand randn  2, 3 | (4,) | (2,), dtype=torch.float64 | () | 17 | (3, 7) | 3, generator=torch.Generator().manual_seed(5) | (0,)
randint     10, (4,) | 2, 9, (2, 3) | 10, (4,), dtype=torch.float32 | 0, 2, (3,), generator=torch.Generator().manual_seed(5) | 5, size=(3,)
randperm    5 | 0 | 9, dtype=torch.int32 | 4, generator=torch.Generator().manual_seed(5) | 20
normal      0.0, 1.0, (3,) | x[4], p[4] | 1.0, p[4] | x[4] | x[4], 2.0 | x[2,3], p[2,3] | x[2,3], p[3] | x[2,1], p[3] | x[20], p[20] | x[17], 0.5 | -1.0, p[2,3] | -1.0, 0.5, (17,) | 2.0, 0.0, (2, 3), dtype=torch.float64 | x[4], p[4], generator=torch.Generator().manual_seed(5)
bernoulli   u[4] | u[2,3] | u[9], generator=torch.Generator().manual_seed(5) | x[4], 0.5
multinomial  u[4], 2 | p[4], 3, True | p[2,3], 2 | p[4], 2, replacement=False, generator=torch.Generator().manual_seed(5)
bernoulli_  x[4] | x[2,3], 0.3 | x[4], u[4] | x[9], 0.5, generator=torch.Generator().manual_seed(5)
uniform_    x[4] | x[2,3], -1, 2 | x[20] | x[3], 0.0, 5.0, generator=torch.Generator().manual_seed(5)
normal_     x[4] | x[2,3], 1, 2 | x[20] | x[3], generator=torch.Generator().manual_seed(5)
random_     x[4] | x[2,3], 10 | x[4], 2, 9 | x[3], generator=torch.Generator().manual_seed(5)
exponential_  x[4] | x[2,3], 2.0 | x[20]
geometric_  x[4], 0.3 | x[2,3], 0.5
cauchy_ log_normal_  x[4] | x[2,3], 1.0, 2.0
scalar_tensor  2 | 1.5 | True | -3 | 0 | 2.0 | 1e10 | float('inf') | float('nan') | T(2) | 1.5, dtype=torch.float64
fill_       x[2,3], 2 | x[4], 1.5 | x[2,3], T(2.) | x[], True | x[0,3], 1
copy_       x[2,3], x[2,3] | x[2,3], x[3] | x[4], T(2) | x[2,3], x[2,1] | x[0,3], x[3] | x[2,3], x[2,3], True
resize_     x[2,3], (3, 2) | x[2,3], (2,) | x[4], (2, 2)
resize_as_  x[2,3], x[3,2] | x[4], x[2]
to          x[2,3], torch.float64 | x[2,3], torch.int32 | x[2,3], 'cpu' | x[2,3], x[2] | x[2,3], dtype=torch.float32, copy=True | x[2,3], 'cpu', torch.int64 | x[4], torch.float16 | x[2,3], torch.bool
type_as     x[2,3], x[2] | x[2,3], m[2] | x[4], T(1.) | x[], T(1)
clone       x[2,3] | x[4] | x[] | x[0,3] | x[2,3], memory_format=torch.contiguous_format | x[2,2,3]
contiguous  x[2,3] | x[4] | x[] | x[0,3] | x[2,3], memory_format=torch.contiguous_format | x[2,2,3]
empty       2, 3 | (0,) | (2,), dtype=torch.int32
empty_strided  (2, 3), (1, 2) | (2, 3), (3, 1) | (4,), (2,) | (2, 0), (1, 1) | (), () | (2, 1, 3), (3, 3, 1) | (2, 2), (1, 5) | (2,), (1,), dtype=torch.float64
new_empty_strided  x[2,3], (2, 3), (1, 2) | x[4], (2,), (1,), dtype=torch.float64 | x[], (4,), (2,) | x[2], (2, 0), (1, 1) | x[2,3], (2, 1, 3), (3, 3, 1)
complex polar  x[2], x[2]
"""


def read(text=TEXT):
    """{op: [template]}; later lines of an op replace earlier ones."""
    found = {}
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        names, templates = line.split("  ", 1) if "  " in line else line.split(" ", 1)
        for name in names.split():
            found[name] = [template.strip().rstrip(",") for template in templates.split(" | ")]
    return found


TEMPLATES = read()

# results that hold what was in memory before: only their shape and dtype can agree
UNWRITTEN = {"empty", "empty_like", "new_empty", "empty_strided", "new_empty_strided", "resize_", "resize_as_"}
# what arguments without a line above get, by type and then name; the first is tried with every shape
BY_TYPE = {"Tensor": ("x[2,3]",), "Tensor?": ("x[2,3]",), "Tensor[]": ("[x[2,3], x[2,3]]",), "Scalar": ("2", "0.5", "-1", "True"),
           "Scalar?": ("2", "0.5"), "int": ("1", "0", "-1"), "int?": ("1",), "int[]": ("(1, 0)",), "int[]?": ("(0,)", "(0, 1)", "None"),
           "int[1]?": ("0", "(0, 1)", "-1", "None"), "int[1]": ("0", "(0, 1)"), "float": ("0.5", "2.0"), "float?": ("0.5",), "bool": ("True",), "bool?": ("True",),
           "ScalarType": ("torch.float64",), "ScalarType?": ("torch.float64", "torch.int64", "torch.float32"), "str?": ("None",)}
SHAPES = ("[2,3]", "[4]", "[]", "[0,3]", "[2,2,3]", "[1,3]")
PAIRS = (("[2,3]", "[2,3]"), ("[2,3]", "[3]"), ("[2,1]", "[1,3]"), ("[]", "[2,3]"), ("[2,3]", "[]"), ("[0,3]", "[3]"),
         ("[4]", "[4]"), ("[]", "[]"), ("[2,2,3]", "[2,1]"))
