"""Names for type annotations."""
from typing import Any, Sequence, Tuple, Union

import torch

Number = Union[int, float, bool]
Device = Union[torch.device, str, int, None]
_TensorOrTensors = Union[torch.Tensor, Sequence[torch.Tensor]]
_dtype = torch.dtype
_device = torch.device
_layout = torch.layout
_size = Union[torch.Size, list, Tuple[int, ...]]
_int, _float, _bool = int, float, bool
_any = Any
