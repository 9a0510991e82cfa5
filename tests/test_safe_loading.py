"""Nothing in the sources loads what can run: every module is read as a tree, and each use named."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.conftest import REPOSITORY

PLACES = ("anatomy", "distill", "benchmarks", "notebooks")
MODULES = sorted(path for place in PLACES for path in (REPOSITORY / place).rglob("*.py"))
RESTRICTED = "anatomy/corpus/pickles.py"  # where the one unpickler is, which can find nothing

# What must not even be named: a reference can be called elsewhere.
FORBIDDEN = re.compile(
    r"(builtins\.)?(eval|exec|__import__)|runpy\..*|code\.Interactive.*"
    r"|(c|_)?[pP]ickle\.(load|loads|Unpickler|_loads?|_Unpickler)|(cloudpickle|dill)\.\w+"
    r"|(marshal|jsonpickle)\.\w+|joblib\.load|shelve\.\w+|pandas\.read_pickle"
    r"|yaml\.(load|load_all|full_load\w*|unsafe_load\w*|C?Loader|C?FullLoader|C?UnsafeLoader)"
    r"|os\.(system|popen\w*|exec\w+|spawn\w+|posix_spawn\w*)|pty\.spawn|commands\.\w+"
    r"|subprocess\.(getoutput|getstatusoutput)|asyncio\.create_subprocess_shell"
    r"|tempfile\.mktemp|torch\.(hub|package)\..*|torch\.jit\.load"
)
METHODS = {"extractall", "extract", "read_pickle", "load_module", "exec_module"}


def names_of(tree: ast.Module) -> dict[str, str]:
    """What each imported name of a module stands for."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def dotted(node: ast.AST, names: dict[str, str]) -> str:
    """`np.load` as numpy.load; empty where it is no name of a module's."""
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        before = dotted(node.value, names)
        return f"{before}.{node.attr}" if before else ""
    return ""


def dangers(source: str, place: str) -> Iterator[str]:
    """Each use of what may load code, or unpack without bounds, with its line."""
    tree = ast.parse(source)
    names = names_of(tree)
    methods = {node.func: node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute):
            name = dotted(node, names)
            known = name.partition(".")[0] in {n.partition(".")[0] for n in names.values()}
            plain = isinstance(node, ast.Name) and node.id not in names
            base = place == RESTRICTED and name == "pickle.Unpickler"
            if (known or plain) and FORBIDDEN.fullmatch(name) and not base:
                yield f"{place}:{node.lineno}: {name}"
        if isinstance(node, ast.Attribute) and node.attr in METHODS and node in methods:
            yield f"{place}:{node.lineno}: .{node.attr}()"
        if isinstance(node, ast.Call):
            yield from (f"{place}:{node.lineno}: {danger}" for danger in in_call(node, names))


def in_call(node: ast.Call, names: dict[str, str]) -> Iterator[str]:
    """What a call's arguments ask for."""
    name = dotted(node.func, names)
    given = {keyword.arg: keyword.value for keyword in node.keywords}
    for argument in ("shell", "trust_remote_code", "allow_pickle"):
        if argument in given and not is_constant(given[argument], value=False):
            yield f"{name or 'a call'} with {argument}"
    if name == "torch.load" and not is_constant(given.get("weights_only"), value=True):
        yield "torch.load without weights_only=True"
    if name == "jinja2.Environment" and not is_constant(given.get("autoescape"), value=True):
        yield "jinja2.Environment without autoescape=True"
    if name == "jinja2.Template":
        yield "jinja2.Template, which escapes nothing"


def is_constant(node: ast.AST | None, *, value: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def test_nothing_that_can_run_code_is_loaded():
    assert len(MODULES) > 200
    found = [
        danger
        for path in MODULES
        for danger in dangers(path.read_text("utf-8"), path.relative_to(REPOSITORY).as_posix())
    ]
    assert found == []


def test_the_one_unpickler_finds_nothing():
    tree = ast.parse((REPOSITORY / RESTRICTED).read_text("utf-8"))
    names = names_of(tree)
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    (own,) = [c for c in classes if "pickle.Unpickler" in [dotted(b, names) for b in c.bases]]
    methods = {part.name: part for part in own.body if isinstance(part, ast.FunctionDef)}
    assert set(methods) == {"find_class", "persistent_load"}
    assert all(isinstance(m.body[-1], ast.Raise) and len(m.body) == 1 for m in methods.values())
    uses = [n for n in ast.walk(tree) if dotted(n, names) == "pickle.Unpickler"]
    assert len(uses) == 1  # as the base of that class


@pytest.mark.parametrize(
    "source",
    [
        "import pickle\npickle.loads(x)",
        "from pickle import load as read\nread(x)",
        "import pickle\nread = pickle.load",
        "import pickle as p\np.Unpickler(x).load()",
        "import pickle\nclass Free(pickle.Unpickler): pass",
        "import cloudpickle\ncloudpickle.loads(x)",
        "def f():\n    import joblib\n    return joblib.load(x)",
        "import pandas as pd\npd.read_pickle(x)",
        "eval(x)",
        "exec(x)",
        "__import__(x)",
        "import builtins\nbuiltins.eval(x)",
        "import yaml\nyaml.load(x, Loader=yaml.SafeLoader)",
        "import yaml\nclass Own(yaml.Loader): pass",
        "from yaml import unsafe_load\nunsafe_load(x)",
        "import os\nos.system(x)",
        "from os import popen\npopen(x)",
        "import subprocess\nsubprocess.run(x, shell=True)",
        "import subprocess\nsubprocess.run(x, shell=shell)",
        "import subprocess\nsubprocess.getoutput(x)",
        "import torch\ntorch.load(x)",
        "import torch\ntorch.load(x, weights_only=False)",
        "import torch\ntorch.hub.load(x)",
        "AutoModel.from_pretrained(x, trust_remote_code=True)",
        "import numpy as np\nnp.load(x, allow_pickle=True)",
        "import tarfile\ntarfile.open(x).extractall(y)",
        "with zipfile.ZipFile(x) as z:\n    z.extractall(y)",
        "import zipfile\nzipfile.ZipFile(x).extract(y)",
        "import tempfile\ntempfile.mktemp()",
        "from jinja2 import Environment\nEnvironment()",
        "from jinja2 import Template\nTemplate(x)",
    ],
)
def test_each_of_these_would_be_found(source):
    assert list(dangers(source, "x.py"))


@pytest.mark.parametrize(
    "source",
    [
        "student.eval()",
        "re.compile(x)",
        "import re\nre.compile(x)",
        "import yaml\nyaml.safe_load(x)",
        "import yaml\nclass Own(yaml.SafeLoader): pass",
        "import torch\ntorch.load(x, weights_only=True)",
        "import numpy as np\nnp.load(x, allow_pickle=False)",
        "import numpy as np\nnp.load(x)",
        "import pickle\ntry: f()\nexcept pickle.UnpicklingError: pass",
        "from anatomy.fetch.archives import extract\nextract(x, y)",
        "load(x)",
        "import subprocess\nsubprocess.run([x], check=True)",
    ],
)
def test_none_of_these_is_taken_for_one(source):
    assert list(dangers(source, "x.py")) == []
