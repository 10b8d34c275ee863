import ast
import subprocess
import sys
from pathlib import Path

import pytest

import pocketgan

SOURCE = Path(pocketgan.__file__).parent
ROOMS = {
    "data": 1,
    "networks": 2,
    "objectives": 3,
    "optimizers": 4,
    "state": 4,
    "training": 4,
    "metrics": 5,
    "checkpoints": 6,
    "models": 7,
    "runs": 7,
    "exported": 7,
    "diagnosis": 7,
    "evaluation": 8,
    "following": 8,
    "sampler": 8,
    "experiment": 8,
    "studies": 9,
    "films": 10,
    "directions": 10,
    "writing": 10,
    "figures": 10,
    "reports": 10,
    "evaluation_page": 10,
    "exports": 11,
    "web": 12,
    "commands": 13,
    "cli": 14,
    "__main__": 15,
}
COMMAND_LINE = {"commands", "cli", "__main__"}
PICKLES = {"pickle", "dill", "cloudpickle", "shelve", "marshal"}
RUNS_CODE = {"torch.load", "torch.jit.load", "torch.hub.load", "eval", "exec"}
WITHOUT_TORCH = [
    "cli",
    "commands",
    "study_commands",
    "model_commands",
    "picture_commands",
    "api",
    "picture_api",
    "runs",
    "exported",
    "figures",
    "films.film",
    "films.moments",
    "writing",
    "studies.study",
    "studies.verdicts",
    "reports.write",
]


def module_name(path):
    """Returns the dotted name of a module below the package: `networks.mlp`, `data`, `` for the package itself."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_name(path): path for path in sorted(SOURCE.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in FILES.items()}


def room(name):
    """Returns the first part of a module's name, which says its room."""
    return name.split(".")[0]


def is_for_types(node):
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def statements(body):
    """Yields the statements that run when a module is imported, at any depth."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        yield node
        for part in ("orelse",) if is_for_types(node) else ("body", "orelse", "handlers", "finalbody"):
            yield from statements(getattr(node, part, []))


def imports(name, tree):
    """Returns the modules of the package that a module imports when it is imported."""
    found = set()
    package = name if FILES.get(name, Path()).name == "__init__.py" else name.rpartition(".")[0]
    for node in statements(tree.body):
        if isinstance(node, ast.Import):
            dotted = [alias.name for alias in node.names if room(alias.name) == "pocketgan"]
            found |= {name.partition(".")[2] for name in dotted}
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                above = package.split(".") if package else []
                above = above[: len(above) - node.level + 1]
                base = ".".join([*above, *([node.module] if node.module else [])])
            elif room(node.module) == "pocketgan":
                base = node.module.partition(".")[2]
            else:
                continue
            for alias in node.names:
                inner = f"{base}.{alias.name}" if base else alias.name
                found.add(inner if inner in FILES else base)
    return found


IMPORTS = {name: imports(name, tree) for name, tree in TREES.items()}


def reached_rooms(name):
    """Returns the numbered rooms that a module imports, itself or by way of modules without a number."""
    reached, seen, waiting = {}, set(), [(target, [target]) for target in IMPORTS[name]]
    while waiting:
        target, path = waiting.pop()
        if target in seen:
            continue
        seen.add(target)
        if room(target) in ROOMS:
            reached.setdefault(room(target), " -> ".join([name, *path]))
        else:
            waiting += [(further, [*path, further]) for further in IMPORTS[target]]
    return reached


def functions(tree):
    """Yields every public function and method that is not inside another function, with its dotted name."""

    def below(body, prefix):
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
                yield prefix + node.name, node
            elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield from below(node.body, f"{prefix}{node.name}.")

    yield from below(tree.body, "")


def run_python(code):
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


# The parser, on known answers.


def test_imports_are_found_where_they_run():
    tree = ast.parse(
        "import torch\n"
        "import pocketgan.images.sets\n"
        "from pocketgan import runs, __version__\n"
        "from pocketgan.networks.mlp import MLPGenerator\n"
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n"
        "    from pocketgan.train import Tick\n"
        "else:\n"
        "    from pocketgan.config.plan import Plan\n"
        "try:\n"
        "    from pocketgan import config\n"
        "except ImportError:\n"
        "    from pocketgan.base.errors import DataError\n"
        "class Late:\n"
        "    from pocketgan import files\n"
        "    def method(self):\n"
        "        from pocketgan import cli\n"
        "def function():\n"
        "    import pocketgan.experiment.experiment\n"
    )
    assert imports("somewhere", tree) == {"data", "runs", "", "networks.mlp", "plan", "config", "errors", "files"}


def test_relative_imports_are_found():
    tree = ast.parse("from . import layers\nfrom .mlp import MLPGenerator\nfrom ..data import derived_seed\n")
    assert imports("networks.dcgan", tree) == {"networks.layers", "networks.mlp", "data"}


def test_the_modules_are_seen():
    assert {"", "__main__", "cli", "config", "data", "networks", "networks.mlp", "training", "runs"} <= set(FILES)
    assert {"config", "errors", "image_files"} <= IMPORTS["data"]
    assert "networks" in IMPORTS["state"] and "state" in IMPORTS["checkpoints"]


# The order of the rooms.


@pytest.mark.parametrize("name", [name for name in FILES if room(name) in ROOMS])
def test_a_room_imports_only_rooms_before_it(name):
    own = room(name)
    late = [path for other, path in reached_rooms(name).items() if other != own and ROOMS[other] > ROOMS[own]]
    assert not late, f"{own} is room {ROOMS[own]}, but imports a later one: {late}"


def test_rooms_with_the_same_number_do_not_import_each_other_in_a_circle():
    for name in FILES:
        for other in reached_rooms(name):
            if room(name) != other and ROOMS.get(room(name)) == ROOMS[other]:
                assert room(name) not in reached_rooms(other), f"{name} and {other} import each other"


@pytest.mark.parametrize("name", [name for name in FILES if name and room(name) not in COMMAND_LINE])
def test_nothing_imports_the_command_line(name):
    assert not COMMAND_LINE & set(reached_rooms(name))


@pytest.mark.parametrize("name", [name for name in FILES if name])
def test_nothing_imports_the_package_itself(name):
    assert "" not in IMPORTS[name], f"{name} imports from pocketgan/__init__.py, which imports it"


@pytest.mark.parametrize("module", WITHOUT_TORCH)
def test_what_only_reads_folders_starts_without_torch(module):
    run = run_python(f"import sys, pocketgan, pocketgan.{module}; print('torch' in sys.modules)")
    assert (run.returncode, run.stdout.strip()) == (0, "False"), run.stderr


@pytest.mark.parametrize("module", ["commands", "web.site", "web.live", "web.side_by_side", "web.starting"])
def test_commands_and_the_page_start_without_what_few_of_them_need(module):
    """SciPy alone is sixty megabytes, which the page and every command would carry."""
    heavy = ("scipy", "pandas", "matplotlib", "plotly", "joblib", "optuna", "gradio")
    run = run_python(f"import sys, pocketgan.{module}; print([name for name in {heavy} if name in sys.modules])")
    assert (run.returncode, run.stdout.strip()) == (0, "[]"), run.stderr


def test_the_public_names_come_without_torch():
    code = (
        "import sys, pocketgan; [getattr(pocketgan, name) for name in pocketgan.__all__]; print('torch' in sys.modules)"
    )
    run = run_python(code)
    assert (run.returncode, run.stdout.strip()) == (0, "False"), run.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["recipes"], ["train", "--dry-run"]])
def test_the_command_line_helps_without_torch(arguments):
    code = f"""
import sys
from pocketgan.cli.main import main
try:
    code = main({arguments!r})
except SystemExit as error:
    code = error.code
print("torch imported" if "torch" in sys.modules else "no torch", code or 0)
"""
    run = run_python(code)
    assert (run.returncode, run.stdout.splitlines()[-1]) == (0, "no torch 0"), run.stderr


# The text.


@pytest.mark.parametrize("name", FILES)
def test_long_public_functions_have_docstrings(name):
    silent = [
        f"{FILES[name].name}:{node.lineno} {dotted}"
        for dotted, node in functions(TREES[name])
        if node.end_lineno - node.lineno + 1 > 8 and node.name != "forward" and not ast.get_docstring(node)
    ]
    assert not silent


@pytest.mark.parametrize("name", FILES)
def test_every_module_says_what_it_is(name):
    assert ast.get_docstring(TREES[name])


@pytest.mark.parametrize("name", FILES)
def test_nothing_that_is_loaded_can_run_code(name):
    risky = []
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import):
            risky += [alias.name for alias in node.names if room(alias.name) in PICKLES]
        elif isinstance(node, ast.ImportFrom) and node.module:
            loads = node.module == "torch" and any(alias.name == "load" for alias in node.names)
            risky += [ast.unparse(node)] if loads or room(node.module) in PICKLES else []
        elif isinstance(node, ast.Call):
            pickled = any(word.arg == "allow_pickle" and ast.unparse(word.value) != "False" for word in node.keywords)
            tensors_alone = any(
                word.arg == "weights_only" and ast.unparse(word.value) == "True" for word in node.keywords
            )
            runs_code = ast.unparse(node.func) in RUNS_CODE and not tensors_alone
            risky += [ast.unparse(node)] if pickled or runs_code else []
    assert not risky
