"""What type checkers and editors see: the stubs have exactly the names that are there when torch is imported."""
import json
import os
import pathlib
import subprocess
import sys
import types

import jedi
import pytest
import torch
from IPython.core.inputtransformer2 import TransformerManager

HERE = pathlib.Path(__file__).resolve().parent
SITE = pathlib.Path(torch.__file__).resolve().parents[1]
# the tutorials; the notebooks that teach give names several types, and take the gradients of leaves for granted
NOTEBOOKS = sorted((HERE.parents[1] / "notebooks").glob("no_grad_*.ipynb"))
pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def check(tmp_path_factory):
    """Runs a module of mypy over our package. The errors that count are those of the files given."""
    folder = tmp_path_factory.mktemp("mypy")

    def run(module, *args):
        env = os.environ | {"MYPYPATH": str(SITE), "PYTHONPATH": str(SITE)}
        done = subprocess.run([sys.executable, "-m", module, *map(str, args)], env=env, cwd=folder, text=True,
                              capture_output=True)
        assert done.returncode == 0, done.stdout + done.stderr

    return run


def public(module):
    return {name for name in vars(module) if not name.startswith("_")}


def test_the_stubs_are_what_is_there(check):
    check("mypy.stubtest", "--ignore-disjoint-bases", "torch._C", "torch.return_types")


def test_torch_has_the_names_of_its_extension(check, tmp_path):
    names = sorted(public(torch))
    members = sorted(name for name in dir(torch.Tensor) if not name.startswith("_"))
    program = tmp_path / "names.py"
    program.write_text("import torch\n" + "".join(f"torch.{name}\n" for name in names)
                       + "def members(x: torch.Tensor) -> None:\n" + "".join(f"    x.{name}\n" for name in members))
    check("mypy", "--follow-imports=silent", program)
    assert public(torch._C) - set(names) == {"RemovableHandle", "TensorBase"}


def test_a_program_with_types(check):
    check("mypy", "--strict", "--follow-imports=silent", HERE / "typed.py")


def test_the_notebooks(check, tmp_path):
    python = TransformerManager().transform_cell  # magics become calls of get_ipython()
    scripts = []
    for notebook in NOTEBOOKS:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        code = "".join(python("".join(cell["source"])) for cell in cells if cell["cell_type"] == "code")
        scripts.append(tmp_path / f"{notebook.stem}.py")
        scripts[-1].write_text("from IPython import get_ipython\n" + code, encoding="utf-8")
    check("mypy", "--follow-imports=silent", "--check-untyped-defs", *scripts)


@pytest.mark.parametrize("code, name", [
    ("torch.ten", "tensor"), ("x = torch.rand(2) + 1\nx.backw", "backward"), ("x = torch.ones(2)\nx[0].requ", "requires_grad_"),
    ("torch.ones(2).max(0).val", "values"), ("from torch.autograd import Func", "Function"), ("torch.float3", "float32"),
    ("with torch.no_g", "no_grad"), ("torch.ones(2).shape.num", "numel"), ("torch.ones(2).sum().gr", "grad_fn"),
])
def test_an_editor_completes(code, name):
    found = script(code).complete()
    assert name in {item.name for item in found}


@pytest.mark.parametrize("code, parameters", [
    ("torch.zeros(", ["*size", "dtype"]), ("x = torch.ones(2)\nx.view(", ["*size"]), ("torch.manual_seed(", ["seed"]),
    ("(torch.ones(2) * 2).backward(", ["gradient", "retain_graph", "create_graph"]), ("torch.add(", ["input", "other", "alpha"]),
])
def test_an_editor_shows_signatures(code, parameters):
    texts = [signature.to_string() for signature in script(code).get_signatures()]
    assert any(all(f"{name}:" in text for name in parameters) for text in texts), texts


def script(code):
    project = jedi.Project(HERE, added_sys_path=[str(SITE)], smart_sys_path=False)
    return jedi.Script("import torch\n" + code, project=project)


def test_modules_are_not_stubbed_twice():
    """Only what is made in C has stubs; the Python files speak for themselves."""
    stubs = {path.relative_to(SITE / "torch").as_posix() for path in (SITE / "torch").rglob("*.pyi")}
    assert stubs == {"_C/__init__.pyi", "_C/_nn.pyi", "_C/_linalg.pyi", "_C/_VariableFunctions.pyi", "return_types.pyi"}
    assert isinstance(torch.return_types, types.ModuleType)
