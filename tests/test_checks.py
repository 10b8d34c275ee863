"""`pocketgan check` on one's own optimizers, schedules, metrics and losses: one line for each fault."""

import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch

from pocketgan.api.checks import check
from pocketgan.api.part_checks import metric_checks, optimizer_checks
from pocketgan.cli.main import main
from pocketgan.config import parts
from pocketgan.metrics import METRICS, Metric
from pocketgan.networks.contract import Check
from pocketgan.testing import check_metric, check_objective, check_optimizer, check_schedule
from pocketgan.training.objectives import OBJECTIVES

HEAD = """\
import random
import torch
from pocketgan import separable
from pocketgan.metrics import Metric

class Base(torch.optim.Optimizer):
    def __init__(self, params, lr, sign: float = 1.0):
        super().__init__(params, {"lr": lr, "sign": sign})
        self.means = {}
"""
OPTIMIZERS = {
    "right": ("p.sub_(group['lr'] * p.grad)", ""),
    "uphill": ("p.add_(group['lr'] * p.grad)", "step uphill"),
    "new_tensor": ("p = p - group['lr'] * p.grad", "step without effect"),
    "zero_division": ("p.sub_(group['lr'] * p.grad / (p.grad - p))", "step not finite"),
    "own_rate": ("p.sub_(1e-3 * p.grad)", "rate without effect"),
    "forgets": (
        "self.means[p] = self.means.get(p, 0 * p) + p.grad; p.sub_(group['lr'] * self.means[p])",
        "state incomplete",
    ),
    "text_in_state": ("self.state[p]['name'] = 'p'; p.sub_(group['lr'] * p.grad)", "state fails"),
    "misspelled": ("p.sub_(group['rate'] * p.grad)", "step fails"),
}
"""What an optimizer does with each parameter, and the key of what `check` says about it."""
SCHEDULES = {
    "right": ("1.0 - progress", ""),
    "negative": ("0.5 - progress", "no factor"),
    "text": ("str(progress)", "no factor"),
    "zeros": ("0", "schedule of zeros"),
    "random": ("random.random()", "differs twice"),
    "index": ("[1.0, 0.5][int(progress * 3)]", "schedule fails"),
}
METRIC_FUNCTIONS = {
    "right": ("images.mean()", ""),
    "array": ("images", "metric on arrays"),
    "infinite": ("images.mean() * float('inf')", "metric on arrays"),
    "random": ("random.random()", "differs twice"),
    "misspelled": ("images.men()", "metric on arrays"),
}


def optimizer_source(body: str) -> str:
    """Returns a file with an optimizer that does this with each parameter, in line 16."""
    return HEAD + textwrap.dedent(
        f"""
        class Own(Base):
            @torch.no_grad()
            def step(self):
                for group in self.param_groups:
                    for p in group["params"]:
                        {body}
        """
    )


def reported(tmp_path: Path, source: str, name: str) -> list[tuple[str, str]]:
    """Returns the keys and the texts of what `check` says is to mend in the part `name` of a file."""
    (tmp_path / "mine.py").write_text(source)
    report = next(one for one in check(tmp_path / "mine.py") if one.name == f"mine.py:{name}")
    assert report.fits and all("\n" not in one.problem for one in report.problems)
    return [(key_of(one), str(one.problem)) for one in report.problems]


def key_of(check: Check) -> str:
    """Returns the key of what a check says."""
    return check.key or getattr(check.problem, "key", "")


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name: str, tmp_path: Path) -> None:
    body, key = OPTIMIZERS[name]
    found = reported(tmp_path, optimizer_source(body), "Own")
    assert [one for one, _ in found] == ([key] if key else [])
    assert key != "step fails" or "mine.py, line 16: KeyError: 'rate'" in found[0][1]


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules(name: str, tmp_path: Path) -> None:
    body, key = SCHEDULES[name]
    found = reported(tmp_path, f"import random\n\ndef own(progress):\n    return {body}\n", "own")
    assert [one for one, _ in found] == ([key] if key else [])
    assert key != "schedule fails" or "mine.py, line 4: IndexError" in found[0][1]


@pytest.mark.parametrize("name", METRIC_FUNCTIONS)
def test_metrics(name: str, tmp_path: Path) -> None:
    body, key = METRIC_FUNCTIONS[name]
    source = f"{HEAD}\nown = Metric(lambda images: {body}, 'Own', None)\n"
    found = reported(tmp_path, source, "own")
    assert [one for one, _ in found] == ([key] if key else [])
    assert name != "misspelled" or "mine.py, line 11: AttributeError" in found[0][1]


def test_losses_name_the_line(tmp_path: Path) -> None:
    source = f"{HEAD}\nown = separable(lambda r: r.gone, lambda f: 1.0, lambda r, f: 1.0)\n"
    (first, text), (second, _) = reported(tmp_path, source, "own")
    assert (first, second) == ("loss fails", "loss kind") and "mine.py, line 11: AttributeError" in text


def test_a_base_class_without_steps_is_only_a_remark_beside_others(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(optimizer_source(OPTIMIZERS["right"][0]))
    assert [len(report.problems) for report in check(tmp_path / "mine.py")] == [0, 0]
    (report,) = check(tmp_path / "mine.py", "Base")
    assert [key_of(one) for one in report.problems] == ["no step"]


def test_metrics_for_one_shape_or_without_equal_images_get_notes() -> None:
    gray = Metric(lambda images: images[:, 0].reshape(-1, 784).mean(), "Gray", None)
    contrast = Metric(lambda images: 1 / images.std(axis=0).mean(), "Contrast", None)
    for metric, place in ((gray, "color"), (contrast, "equal")):
        checks = list(metric_checks(metric))
        assert not any(one.problem for one in checks)
        assert [place in one.name for one in checks if one.note] == [True]


def test_the_exit_code_and_the_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.py"
    path.write_text(optimizer_source(OPTIMIZERS["uphill"][0]) + "\ndef half(x):\n    return 0.5\n")
    assert main(["check", str(path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "mine.py:Own (optimizer)" in lines and "mine.py:half (schedule)" not in lines
    assert lines[-1] == "1 to mend"
    assert main(["check", f"{path}:half"]) == 0, "a function that is named counts as a schedule"
    assert "mine.py:half (schedule)" in capsys.readouterr().out
    path.write_text("def both(a, b):\n    return a\n")
    assert main(["check", str(path)]) == main(["check", f"{path}:both"]) == 2


def test_parts_of_a_recipe_are_checked_with_its_options(tmp_path: Path) -> None:
    source = optimizer_source("p.sub_(group['lr'] * p.grad * group['sign'])") + textwrap.dedent(
        """
        from pocketgan.config import recipes
        from pocketgan.config.fields import replace

        def warm(t):
            return 0.5 + t

        bright = Metric(lambda images: images.mean(), "Bright", None)

        def recipe():
            return replace(
                recipes.mlp(), recipe="own", optimizer=Own, optimizer_options={"sign": -1.0}, schedule=warm,
                metrics=[bright], evaluate_every="1 epoch",
            )
        """
    )
    (tmp_path / "mine.py").write_text(source)
    reports = {report.name: report for report in check(tmp_path / "mine.py")}
    kinds = {name.partition(":")[2]: report.kind for name, report in reports.items()}
    assert kinds == {"recipe": "recipe", "Own": "optimizer", "warm": "schedule", "bright": "metric"}
    (problem,) = reports["mine.py:Own"].problems
    assert key_of(problem) == "step uphill"


TORCHS = ("ASGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSprop", "Rprop", "SGD")


@pytest.mark.parametrize("name", [*TORCHS, *parts.BUILT_IN["optimizer"]])
def test_known_optimizers_have_nothing_to_mend(name: str) -> None:
    if name in TORCHS:
        name = parts.hand_over("optimizer", type(name, (getattr(torch.optim, name),), {}))
    checks = list(optimizer_checks(name))
    assert len(checks) == 4 and not any(one.problem for one in checks)


@pytest.mark.parametrize("name", [name for name, metric in METRICS.items() if metric.least <= 100])
def test_the_packages_metrics_have_nothing_to_mend(name: str) -> None:
    assert not [one for one in metric_checks(METRICS[name]) if one.problem]


def test_the_contract_is_public() -> None:
    check_optimizer(torch.optim.RAdam, options={"weight_decay": 0.1})
    check_schedule(lambda progress: 1 - progress)
    check_metric(Metric(lambda images: float(np.mean(images)), "Mean", None))
    for objective in OBJECTIVES.values():
        check_objective(objective)
    with pytest.raises(AssertionError):
        check_schedule(lambda progress: -progress)
    with pytest.raises(AssertionError):
        check_metric(Metric(lambda images: float("nan"), "Nan", None))
