"""The differences from PyTorch that are meant to be: at most ten, each told in the README's "Differences". A case that
differs is excused only by one of these; test_parity.py holds the list to what still differs."""
import pathlib
import re
from dataclasses import dataclass

INTEL = "GenuineIntel" in pathlib.Path("/proc/cpuinfo").read_text()


@dataclass
class Known:
    reason: str
    code: str        # regular expression that the case's code contains
    found: str = ""  # and the difference
    here: bool = True  # whether it shows on this machine


# functions that PyTorch makes of others even where they write into out=
COMPOSITE = r"\b(matmul|linear|tensordot|inner|outer|kron|ger|chain_matmul|multi_dot|vecdot|hstack|vstack|dstack|row_stack|" \
            r"column_stack|quantile|nanquantile|linalg\.norm|linalg\.vector_norm|norm|nanmean|diff|median|nanmedian|mode|kthvalue|" \
            r"histc|logsumexp|mean|diag|diagonal_copy|empty|range|randn|randperm|softmax|log_softmax|argsort|msort|sort|topk|var|std|max|min)" \
            r"\(.*out="

KNOWN = [
    Known("random numbers are those of PyTorch on a processor that is not Intel's", r"bernoulli_?\(|exponential_\(|multinomial\(",
          here=INTEL),
    Known("a number given as out= is a TypeError, not taken for an int64 tensor", r"out=3"),
    Known("integer tensors never become part of a graph, whatever is written into them or summed up in them", "",
          "Autograd not support dtype|isDifferentiableType|INTERNAL ASSERT FAILED|value cannot be converted to type"),
    Known("TypeErrors do not list overloads that take names of dims, or out_dtype=", "", "not .*(of names|name dim|out_dtype)"),
    Known("composite functions speak of an unfit out= with their own voice, and count a write once", COMPOSITE,
          "message|warnings|error|written|gradient|graph|strides"),
    Known("among equal elements the gradient of a quantile may go to another one", r"quantile\(", "first|second"),
    Known("the result of scatter_add of halves has the memory order of its input", r"scatter_add\(", "strides"),
    Known("pow_ of bools names their dtype before a shape that does not fit", r"pow_\(", "not implemented for .*Bool"),
    Known("warnings on the way to an error differ, and it names a tensor by its sizes, not by a printout",
          r"\['a'\]$|\brange\(|meshgrid\(|__setitem__", "expected sequence|warnings.*error|tensor list but got"),
]


def reason(code, found):
    """Why a case may differ as it does, or None."""
    return next((each.reason for each in KNOWN
                 if each.here and re.search(each.code, code, re.S) and re.search(each.found, found, re.S)), None)
