"""What a module may load, and that nothing that is read can run code. The order of the rooms is import-linter's."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import pocketgan

SOURCE = Path(pocketgan.__file__).parent
PICKLES = {"pickle", "dill", "cloudpickle", "shelve", "marshal"}
RUNS_CODE = {"torch.load", "torch.jit.load", "torch.hub.load", "eval", "exec"}
HANDED_OVER = {"studies.own_code"}
"""What pickles objects of this process for the processes that it starts; it reads no file."""
WITHOUT_TORCH = [
    "cli.main",
    "cli.commands",
    "cli.study_commands",
    "cli.model_commands",
    "cli.picture_commands",
    "api",
    "runs.run",
    "runs.exported",
    "pictures.plots",
    "pictures.animation",
    "pictures.moments",
    "pictures.spelling",
    "studies.study",
    "studies.verdicts",
    "studies.report.write",
    "trackers.following",
    "cli.tracker_commands",
]


def module_name(path):
    """Returns the dotted name of a module below the package: `networks.mlp`, `data`, `` for the package itself."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_name(path): path for path in sorted(SOURCE.rglob("*.py"))}


@cache
def tree_of(name):
    """Returns the syntax tree of a module."""
    return ast.parse(FILES[name].read_text(encoding="utf-8"))


def room(name):
    """Returns the first part of a module's name, which says its room."""
    return name.split(".")[0]


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


# What is imported.


@pytest.mark.slow
@pytest.mark.parametrize("module", WITHOUT_TORCH)
def test_what_only_reads_folders_starts_without_torch(module):
    run = run_python(f"import sys, pocketgan, pocketgan.{module}; print('torch' in sys.modules)")
    assert (run.returncode, run.stdout.strip()) == (0, "False"), run.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "module", ["cli.commands", "web.site", "web.train.live", "web.compare.side_by_side", "web.train.starting"]
)
def test_commands_and_the_page_start_without_what_few_of_them_need(module):
    """SciPy alone is sixty megabytes, which the page and every command would carry."""
    heavy = ("scipy", "pandas", "matplotlib", "joblib", "optuna", "gradio")
    run = run_python(f"import sys, pocketgan.{module}; print([name for name in {heavy} if name in sys.modules])")
    assert (run.returncode, run.stdout.strip()) == (0, "[]"), run.stderr


@pytest.mark.slow
def test_the_public_names_come_without_torch():
    """Losses and checks of one's own parts are PyTorch's business; everything else waits until it is called."""
    with_torch = ("Objective", "Recorder", "SetObjective", "check", "separable")
    names = [name for name in pocketgan.__all__ if name not in with_torch]
    code = f"import sys, pocketgan; [getattr(pocketgan, name) for name in {names}]; print('torch' in sys.modules)"
    run = run_python(code)
    assert (run.returncode, run.stdout.strip()) == (0, "False"), run.stderr


@pytest.mark.slow
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
        for dotted, node in functions(tree_of(name))
        if node.end_lineno - node.lineno + 1 > 8 and node.name != "forward" and not ast.get_docstring(node)
    ]
    assert not silent


@pytest.mark.parametrize("name", [name for name in FILES if name not in HANDED_OVER])
def test_nothing_that_is_loaded_can_run_code(name):
    risky = []
    for node in ast.walk(tree_of(name)):
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
