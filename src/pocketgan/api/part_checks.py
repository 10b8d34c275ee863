"""Checks of one's own objectives: each runs the part on random data, and says in one line what to mend."""

from collections.abc import Iterator

import torch
from torch import Tensor

from pocketgan.base.messages import problem
from pocketgan.networks.contract import Check
from pocketgan.networks.own import first_line
from pocketgan.training.objectives import Objective, SetObjective

LOGITS = (-20.0, -1.0, 0.0, 1.0, 20.0)
"""Logits at which the losses of an objective are computed."""
GENERATED, REAL, PIXELS = 4, 8, 64
"""Numbers of images of a class, and of their pixels, with which objectives that compare sets of images are computed."""


def random_images(*shape: int, seed: int = 0) -> Tensor:
    """Returns random values in the range of images that networks see, [-1, 1]."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def objective_checks(objective: Objective | SetObjective) -> Iterator[Check]:
    """Checks the losses of an objective: their shapes, finite values, and gradients."""
    return set_checks(objective) if isinstance(objective, SetObjective) else loss_checks(objective)


def loss_checks(objective: Objective) -> Iterator[Check]:
    """Checks the losses of an objective with a discriminator: one finite value per sample, and gradients."""
    real = torch.tensor(LOGITS, requires_grad=True)
    fake = torch.tensor(LOGITS[::-1], requires_grad=True)
    losses = {
        "the discriminator's loss": lambda: objective.discriminator_loss(real, fake),
        "the generator's loss": lambda: objective.generator_loss(real, fake),
    }
    for name, loss in losses.items():
        try:
            value = loss()
            if not isinstance(value, Tensor) or value.shape != (len(LOGITS),):
                shape = tuple(getattr(value, "shape", ()))
                yield Check(name, problem("loss shape", expected=f"({len(LOGITS)},)", shape=shape))
            elif not value.isfinite().all():
                yield Check(name, problem("loss infinite", lowest=LOGITS[0], highest=LOGITS[-1]))
            elif not value.requires_grad:
                yield Check(name, problem("loss without gradient"))
            else:
                yield Check(name)
        except Exception as error:
            yield Check(name, first_line(error))


def set_checks(objective: SetObjective) -> Iterator[Check]:
    """Checks the loss of an objective without a discriminator on two classes, on one, and where real images are equal.

    The last is what a class with a single image gives. After the first problem, the others would only repeat it.
    """
    real = random_images(2, REAL, PIXELS, seed=1)
    cases = {
        "the loss of two classes": real,
        "the loss of one class": real[:1],
        "the loss where all real images are equal": real[:1, :1].expand(1, REAL, PIXELS),
    }
    for name, images in cases.items():
        check = set_check(name, objective, images)
        yield check
        if check.problem:
            return


def set_check(name: str, objective: SetObjective, real: Tensor) -> Check:
    """Checks the loss of an objective without a discriminator, and its gradient, on random generated images."""
    classes = len(real)
    made = random_images(classes, GENERATED, PIXELS).requires_grad_()
    try:
        value = objective.loss(made, real)
        if not isinstance(value, Tensor):
            return Check(name, problem("set loss kind", kind=type(value).__name__))
        if value.shape not in ((), (classes,)):
            return Check(name, problem("set loss shape", expected=f"({classes},)", shape=tuple(value.shape)))
        if not value.isfinite().all():
            return Check(name, problem("set loss not finite"))
        gradient = torch.autograd.grad(value.mean(), made, allow_unused=True)[0] if value.requires_grad else None
        if gradient is None:
            return Check(name, problem("set loss without gradient"))
        return Check(name, "" if gradient.isfinite().all() else problem("set gradient not finite"))
    except Exception as error:
        shapes = {"made": tuple(made.shape), "real": tuple(real.shape)}
        return Check(name, problem("set loss fails", **shapes, why=first_line(error)))
