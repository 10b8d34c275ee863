"""Checks of one's own objectives, optimizers, schedules and metrics: each runs on random data.

A check yields its outcome in one line; after a problem that later checks would only repeat, they are left out.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor, nn

from pocketgan.base.errors import ConfigError, UserError
from pocketgan.base.messages import problem
from pocketgan.config.options import Value
from pocketgan.config.sections import TrainConfig
from pocketgan.metrics.metric import Metric
from pocketgan.metrics.registry import METRICS, RESERVED
from pocketgan.metrics.samples import Comparison, Reference, Sample
from pocketgan.networks.contract import Check
from pocketgan.networks.own import first_line
from pocketgan.training.objectives import Objective, SetObjective
from pocketgan.training.optimizers import Optimizer, create_optimizer
from pocketgan.training.schedules import own_factor

LOGITS = (-20.0, -1.0, 0.0, 1.0, 20.0)
"""Logits at which the losses of an objective are computed."""
GENERATED, REAL, PIXELS = 4, 8, 64
"""Numbers of images of a class, and of their pixels, with which objectives that compare sets of images are computed."""
STEPS, MORE, RATE = 3, 2, 1e-3
"""Steps of an optimizer before its state is saved and after, and its learning rate."""
PROGRESS = tuple(step / 100 for step in range(101))
"""Shares of a training at which the factors of a schedule are computed."""
FEATURES, CLASSES = 128, 10
"""Widths of the features and of the probabilities that metrics get."""


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
            if not isinstance(value, Tensor):
                yield Check(name, problem("loss kind", kind=type(value).__name__))
            elif value.shape != (len(LOGITS),):
                yield Check(name, problem("loss shape", expected=f"({len(LOGITS)},)", shape=tuple(value.shape)))
            elif not value.isfinite().all():
                yield Check(name, problem("loss infinite", lowest=f"{LOGITS[0]:g}", highest=f"{LOGITS[-1]:g}"))
            elif not value.requires_grad:
                yield Check(name, problem("loss without gradient"))
            else:
                yield Check(name)
        except Exception as error:
            yield Check(name, problem("loss fails", shape=(len(LOGITS),), why=first_line(error)))


def set_checks(objective: SetObjective) -> Iterator[Check]:
    """Checks the loss of an objective without a discriminator on two classes, on one, and where real images are equal.

    The last is what a class with a single image gives.
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
            return Check(name, problem("loss kind", kind=type(value).__name__))
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


def twice(again: Callable[[], object], first: object) -> Check:
    """Checks that a part gives the same at its second call as at its first; a resumed run depends on it."""
    try:
        same = again() == first
    except Exception:  # It succeeded at the first call.
        same = False
    return Check("gives the same twice", "" if same else problem("differs twice"))


# Optimizers.


class Trial:
    """A few steps of an optimizer on weights of the usual shapes, whose loss is half the sum of their squares.

    The gradient of each weight is the weight itself, so that a right step makes the weights smaller.

    Args:
        name: the optimizer's name in configurations.
        options: options of its constructor.

    Attributes:
        optimizer: the optimizer.
        weights: all weights in one vector.

    Raises:
        ConfigError: the optimizer can't be created.
    """

    def __init__(self, name: str, options: Mapping[str, Value]) -> None:
        self.network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Linear(32, 32))
        random = torch.Generator().manual_seed(0)
        for parameter in self.network.parameters():
            nn.init.normal_(parameter, generator=random)
        config = TrainConfig(optimizer=name, optimizer_options=dict(options))
        self.optimizer: Optimizer = create_optimizer(self.network, config, RATE)

    @property
    def weights(self) -> Tensor:
        return nn.utils.parameters_to_vector(self.network.parameters()).detach().clone()

    def walked(self, first: int = 0, steps: int = STEPS, rate: float = 1.0) -> Tensor:
        """Does some steps, each with its own global random numbers as in training, and returns the weights then."""
        for step in range(first, first + steps):
            loss = nn.utils.parameters_to_vector(self.network.parameters()).square().sum() / 2
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(step)
                self.optimizer.step(loss, torch.zeros(()), rate)
        return self.weights


def optimizer_checks(name: str, options: Mapping[str, Value] | None = None) -> Iterator[Check]:
    """Checks a few steps of an optimizer, the effect of the learning rate, and its saved state.

    Args:
        name: its name in configurations.
        options: options of its constructor.
    """
    options = options or {}
    try:
        trial = Trial(name, options)
    except ConfigError as error:
        yield Check("is created", error.reason, key=error.key)
        return
    yield Check("is created")
    check = Check("takes steps", steps_wrong(trial))
    yield check
    if not check.problem:
        yield Check("follows the learning rate", rate_wrong(name, options))
        yield Check("saves and loads", state_wrong(name, options))


def steps_wrong(trial: Trial) -> str:
    """Returns what is wrong with a few steps of an optimizer, or an empty text."""
    start = trial.weights
    try:
        moved = trial.walked() - start
    except Exception as error:
        return problem("step fails", why=first_line(error))
    if not moved.isfinite().all():
        return problem("step not finite")
    if not moved.any():
        return problem("step without effect")
    return problem("step uphill") if moved @ start > 0 else ""


def rate_wrong(name: str, options: Mapping[str, Value]) -> str:
    """Returns a text if an optimizer does the same at another learning rate, where warm-up and schedule do nothing."""
    try:
        same = torch.equal(Trial(name, options).walked(), Trial(name, options).walked(rate=0.1))
    except Exception as error:
        return problem("step fails", why=first_line(error))
    return problem("rate without effect") if same else ""


def state_wrong(name: str, options: Mapping[str, Value]) -> str:
    """Returns what is wrong with the saved state of an optimizer, or an empty text: a loaded copy does the same."""
    trial, copy = Trial(name, options), Trial(name, options)
    nn.utils.vector_to_parameters(trial.walked(), copy.network.parameters())
    try:
        copy.optimizer.load({key: tensor.clone() for key, tensor in trial.optimizer.tensors().items()})
        same = torch.equal(trial.walked(STEPS, MORE), copy.walked(STEPS, MORE))
    except Exception as error:
        return problem("state fails", why=first_line(error))
    return "" if same else problem("state incomplete")


# Schedules.


def schedule_checks(name: str) -> Iterator[Check]:
    """Checks the factors of a schedule at all times of a training.

    Args:
        name: its name in configurations.
    """
    name_of_check, factors = "returns factors from beginning to end", []
    for progress in PROGRESS:
        try:
            factors.append(own_factor(name, progress))
        except ConfigError as error:
            yield Check(name_of_check, error.reason, key=error.key)
            return
        except Exception as error:
            yield Check(name_of_check, problem("schedule fails", progress=f"{progress:g}", why=first_line(error)))
            return
    yield Check(name_of_check, "" if any(factors) else problem("schedule of zeros"))
    yield twice(lambda: [own_factor(name, progress) for progress in PROGRESS], factors)


# Metrics.


def metric_checks(metric: Metric) -> Iterator[Check]:
    """Checks the name of a metric, and its values on random images, gray and color, and on equal ones."""
    taken = metric.name in RESERVED or METRICS.get(metric.name, metric) is not metric
    yield Check("has a name of its own", problem("metric twice", name=metric.name) if taken else "")
    cases = {"gray images, 28×28": (1, 28), "color images, 32×32": (3, 32)}
    wrong = {case: value_wrong(metric, comparison(metric.least, *shape)) for case, shape in cases.items()}
    sound = [shape for case, shape in cases.items() if not wrong[case]]
    if not sound:
        case, why = next(iter(wrong.items()))
        yield Check(f"measures {case}", why)
        return
    for case, why in wrong.items():
        yield Check(f"measures {case}", note=why)
    images = comparison(metric.least, *sound[0])
    yield twice(lambda: metric.measure(images), metric.measure(images))
    yield Check("measures equal images", note=value_wrong(metric, comparison(metric.least, *sound[0], equal=True)))


def comparison(count: int, channels: int, size: int, *, equal: bool = False) -> Comparison:
    """Returns a comparison of random images, as many generated as real ones, with random features and classes.

    Args:
        count: the number of images.
        channels, size: their shape.
        equal: whether all generated images are the same, as after mode collapse.
    """
    random = torch.Generator().manual_seed(0)

    def sample(number: int) -> Sample:
        images = torch.randint(256, (number, channels, size, size), generator=random, dtype=torch.uint8)
        features = torch.randn(number, FEATURES, generator=random)
        probabilities = torch.randn(number, CLASSES, generator=random).softmax(dim=1)
        return Sample(images, features, probabilities, torch.arange(number) % CLASSES)

    generated = sample(1).part(torch.zeros(count, dtype=torch.int64)) if equal else sample(count)
    return Comparison(generated, Reference(sample(count), sample(count)))


def value_wrong(metric: Metric, images: Comparison) -> str:
    """Returns why a metric can't measure images, or an empty text."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Such as NumPy's about a division by zero, whose result is refused.
            metric.measure(images)
    except UserError as error:
        arrays = images.generated.images if metric.on == "images" else images.generated.features
        kind = str(arrays.dtype).removeprefix("torch.")
        return problem("metric on arrays", why=error.reason, kind=kind, shape=tuple(arrays.shape))
    except Exception as error:  # What a metric of whole comparisons raises.
        return first_line(error)
    return ""
