"""Names for type annotations."""
import torch

Number = int | float | bool
Device = torch.device | str | int | None
_dtype = torch.dtype
_device = torch.device
_layout = torch.layout
_size = torch.Size | list[int] | tuple[int, ...]
_TensorOrTensors = torch.Tensor | tuple[torch.Tensor, ...] | list[torch.Tensor]
