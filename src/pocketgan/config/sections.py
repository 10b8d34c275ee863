"""The configuration: everything that determines a run. Frozen, validated, saved whole with the run.

Every field's docstring is also its help on the command line. Field names are unique over all sections, so
that a flag or a keyword (`batch_size=64`) needs no prefix.
"""

from functools import partial
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from pocketgan.base.errors import ConfigError
from pocketgan.config import parts
from pocketgan.config.data_section import PACKAGED, DataConfig, Section, split
from pocketgan.config.durations import CountedDuration, DurationText, HalfLife, OptionalDuration, SampleInterval, Warmup
from pocketgan.config.lone import check_discriminator
from pocketgan.config.name_lists import AugmentList, MetricList
from pocketgan.config.options import Options
from pocketgan.config.parts import Kind, PartFacts, Value
from pocketgan.config.translating import CLASSES, IDENTITY, NONE, check_translation
from pocketgan.config.watchdog_section import WatchdogConfig

Activation = Literal["relu", "leaky_relu", "elu", "selu", "gelu", "silu", "tanh"]


class NetworkConfig(Section):
    """The two networks. Sizes are parameters; every recipe takes them."""

    generator: Annotated[str, BeforeValidator(partial(parts.name_of, "generator"))] = "mlp"
    """The generator's architecture: `mlp`, `dcgan` and `pocket` read noise; `autoencoder`, `translator` and
    `class-translator` read images. Or your own, such as `my_gan.py:Painter`."""
    discriminator: Annotated[str, BeforeValidator(partial(parts.name_of, "discriminator"))] = "mlp"
    """The discriminator's architecture: `mlp`, `dcgan`, `pocket`, `translator` (sees input and output together), or
    your own, such as `my_gan.py:Critic`; `none` for an objective that needs no discriminator."""
    generator_options: Options = Field(default={})
    """Options of your own generator's constructor: `channels=96 act=gelu`."""
    discriminator_options: Options = Field(default={})
    """Options of your own discriminator's constructor: `channels=96 act=gelu`."""
    latent_dim: int = Field(default=100, ge=1, le=4096)
    """Length of the noise vector z. Also `--z-dim`."""
    hidden_dim: int = Field(default=128, ge=1, le=8192)
    """Base width: units of a dense layer, channels of a convolution. Also `--dense-dim`."""
    width: float = Field(default=1.0, gt=0, le=64)
    """Multiplies every hidden width of both networks."""
    depth: int = Field(default=1, ge=1, le=16)
    """Hidden layers of the generator (`dcgan`: convolutions at each resolution; `pocket`: at the lowest one)."""
    stages: Annotated[int, Field(ge=1, le=6)] | Literal["auto"] = "auto"
    """How often convolutional generators double the resolution. `auto`: from at most 8 pixels to the image's side, so
    twice up to 32, three times up to 64, four times up to 128."""
    discriminator_depth: int | None = Field(default=None, ge=1, le=16)
    """Hidden layers of the discriminator; none: same as the generator."""
    activation: Activation = "leaky_relu"
    """Activation of the hidden layers."""
    discriminator_activation: Activation | None = None
    """Activation of the discriminator's hidden layers; none: same as the generator."""
    negative_slope: float = Field(default=0.2, ge=0, le=1)
    """Slope of LeakyReLU below zero."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Fraction of units dropped after a hidden layer (`autoencoder` only)."""
    weight_init: Literal["torch", "glorot", "dcgan"] = "torch"
    """Initial weights: PyTorch's default (`torch`), `glorot` (uniform, as in Keras) or `dcgan` (normal, standard
    deviation 0.02)."""
    conditional: bool = False
    """Class-conditional training: both networks receive the class of each image (for data with labels)."""


class ObjectiveConfig(Section):
    """The objective."""

    objective: Annotated[str, BeforeValidator(partial(parts.name_of, "objective"))] = "bce"
    """The pair of losses: `bce` (the non-saturating GAN loss), `minimax` (the saturating one), `msle`, `least_squares`,
    `hinge`, `wasserstein` (with `--gradient-penalty 10`), `relativistic`, or your own, such as `my_gan.py:focal`.
    Without a discriminator: `drifting`, or your own, such as `my_gan.py:mmd`."""
    discriminator_batches: Literal["concatenated", "separate", "two-step"] = "separate"
    """`concatenated`: one batch of real and generated images. `separate`: two batches, one update. `two-step`: one
    update on real images, then one on generated images."""
    r1: Annotated[float, Field(ge=0)] | Literal["auto"] = 0.0
    """Weight γ of the gradient penalty at real images. `auto`: 1 for MNIST, and for other data in proportion to the
    mean squared distance between two images."""
    r2: Annotated[float, Field(ge=0)] | Literal["auto"] = 0.0
    """Weight γ of the gradient penalty at generated images; `auto` as for `--r1`."""
    gradient_penalty: float = Field(default=0.0, ge=0)
    """Weight of the penalty that keeps the gradient's norm at 1 between real and generated images (WGAN-GP)."""
    penalty_batch_fraction: float = Field(default=1.0, gt=0, le=1)
    """Fraction of each batch on which gradient penalties are computed; 0.5 saves about an eighth of a `pocket` step."""
    penalty_end: float = Field(default=1.0, ge=0, le=1)
    """What is left of the weights of R1 and R2 when the learning rate has fallen to zero: 0.1 for a tenth. They fall
    with the learning rate, as in R3GAN (Huang et al. 2024), so a constant schedule leaves them as they are."""
    mismatched_label_weight: float = Field(default=0.0, ge=0)
    """Weight of the mismatched-label loss of class-conditional training: real images with their own class against real
    images with another class (GAN-CLS, Reed et al. 2016). It makes the generator follow the requested class."""
    adversarial_weight: float = Field(default=1.0, ge=0)
    """Image-to-image: weight of the adversarial loss of the generator; 0 trains it without a discriminator, by
    `reconstruction_weight` alone (regression)."""
    reconstruction_weight: float = Field(default=0.0, ge=0)
    """Image-to-image: weight of the mean absolute difference between the output and its target (L1, Isola et al.
    2017), in the range of the pixels that the networks see. Without pairs (`--to`): between an input and its output
    translated back (cycle consistency, Zhu et al. 2017)."""
    identity_weight: float = Field(default=IDENTITY, ge=0)
    """Image-to-image without pairs (`--to`): weight of the mean absolute difference between an image of the target
    domain and its own translation (Zhu et al. 2017, section 5.2)."""
    reuse_fake_batch: bool = False
    """Whether the generator's update reuses the batch that the discriminator's update generated, which saves a
    pass, or two with a relativistic objective. Otherwise it generates a new batch."""

    @property
    def penalties(self) -> tuple[float, float]:
        """The weights of the penalties at real and at generated images; `auto` is 1 until a run knows its data."""
        return 1.0 if isinstance(self.r1, str) else self.r1, 1.0 if isinstance(self.r2, str) else self.r2

    def at(self, rate: float) -> "ObjectiveConfig":
        """Returns the objective with the weights of R1 and R2 at a learning rate, given as a factor in [0, 1]."""
        left, (r1, r2) = self.penalty_end + (1 - self.penalty_end) * rate, self.penalties
        return self.model_copy(update={"r1": left * r1, "r2": left * r2})

    @model_validator(mode="after")
    def _check(self) -> "ObjectiveConfig":
        if self.discriminator_batches == "two-step" and self.mismatched_label_weight > 0:
            raise ConfigError("joint for mismatch", field="mismatched_label_weight")
        penalized = self.r1 != 0 or self.r2 != 0 or self.gradient_penalty > 0
        if self.discriminator_batches == "two-step" and penalized:
            raise ConfigError("joint for penalties")
        return self


class TrainConfig(Section):
    """How long and how fast."""

    duration: DurationText = "10 epochs"
    """How long to train: `50 epochs`, `10000 steps`, `500 kimg` (thousands of real images) or `5 min`. Also `--steps
    N`, `--iterations N`, `--epochs N`."""
    batch_size: int = Field(default=128, ge=1, le=65536)
    """Real images per step. Also `--batch`."""
    optimizer: Annotated[str, BeforeValidator(partial(parts.name_of, "optimizer"))] = "adam"
    """The optimizer of both networks: `adam`, `adamw`, `sgd`, `rmsprop`, or a class of your own (a
    `torch.optim.Optimizer`), such as `my_gan.py:Lion`."""
    optimizer_options: Options = Field(default={})
    """Options of the optimizer's constructor, except for `adam`: `momentum=0.9`, `weight_decay=0.01`."""
    learning_rate: float = Field(default=2e-4, gt=0, le=1)
    """The optimizer's learning rate, for both networks. Also `--lr`."""
    discriminator_learning_rate: float | None = Field(default=None, gt=0, le=1)
    """The optimizer's learning rate for the discriminator; none: same as the generator."""
    beta1: float = Field(default=0.9, ge=0, lt=1)
    """Decay rate of the mean gradient (`adam`, `adamw`)."""
    beta2: float = Field(default=0.999, ge=0, lt=1)
    """Decay rate of the mean squared gradient (`adam`, `adamw`)."""
    epsilon: float = Field(default=1e-8, gt=0, le=1)
    """Small constant in the denominator (`adam`, `adamw`)."""
    schedule: Annotated[str, BeforeValidator(partial(parts.name_of, "schedule"))] = "constant"
    """How the learning rate decays: `constant`, to zero at the end (`linear`, `cosine`), or a function of your own that
    returns a factor for a progress from 0 to 1, such as `my_gan.py:steps`."""
    decay_start: float = Field(default=0.0, ge=0, lt=1)
    """Fraction of the duration before the decay starts."""
    warmup: Warmup = "none"
    """The learning rate rises from zero over this length; `none`: full rate from the start."""
    ema_half_life: HalfLife = "none"
    """Half-life of the EMA generator, in images (`10 kimg`, at most 5% of those seen so far) or as a percentage of the
    images seen so far (`10%`); `none`: samples come from the raw generator."""
    augment: AugmentList = "none"
    """Differentiable augmentation of real and generated images alike: any of `translation`, `rotation`, `cutout`,
    separated by commas; `none`; or `auto`, which is as strong as the discriminator overfits (for few images; needs a
    validation set)."""
    initial_run: str = "none"
    """A run or an exported model whose weights training begins with, where they fit; the rest is initialized as usual.
    Also `--from RUN`."""
    frozen_layers: int = Field(default=0, ge=0, le=32)
    """How many of the discriminator's first layers keep the weights of `--from` (Mo et al. 2020)."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to train; `auto` tries CUDA, then Apple's MPS, then the CPU."""
    precision: Literal["auto", "float32", "bfloat16"] = "float32"
    """Arithmetic of the forward and backward passes (autocast); weights and losses stay float32. `auto`: bfloat16 where
    the processor multiplies it natively."""
    threads: Annotated[int, Field(ge=0, le=1024)] | Literal["auto"] = "auto"
    """CPU threads. `auto`: the fastest number on the cores that other programs leave free, checked every second; each
    change is recorded, and a resumed run repeats it. A number stays fixed; 0: one per core."""
    replan: bool = False
    """Whether a duration in time is converted to steps again when the speed changes by half; each change is recorded,
    and a resumed run repeats it."""
    log_every: CountedDuration = "100 steps"
    """How often losses are logged."""
    checkpoint_every: DurationText = "1 min"
    """How often a checkpoint (the complete state) is saved."""
    keep_checkpoints: Annotated[int, Field(ge=1)] | Literal["all"] = 3
    """How many of the newest checkpoints to keep, or `all`. The best one, and those that `--on-failure rollback` can
    need, are always kept."""


class PictureConfig(Section):
    """The pictures written along the way."""

    sample_every: SampleInterval = "1 epoch"
    """How often sample images are saved, always from the same latents; `end`: only after training; `none`: never. Also
    `--sample-interval N`, in steps."""
    sample_count: int = Field(default=64, ge=1, le=4096)
    """Images per sample."""
    layout: Literal["grid", "strip"] = "grid"
    """A square grid, or one row (`strip`)."""
    sample_name: str = Field(default="samples", pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
    """Prefix of the sample files' names."""
    count_by: Literal["step", "epoch"] = "step"
    """What the sample files' names count: steps or epochs."""


class EvaluateConfig(Section):
    """How a run is evaluated during training: against the validation set, or without one the training images."""

    evaluate_every: OptionalDuration = "none"
    """How often to evaluate the generator: `60 s`, `1 epoch`; `none`: never. Evaluations don't affect training."""
    evaluate_count: int = Field(default=2000, ge=200, le=100_000)
    """Images generated for one evaluation."""
    features: Literal["auto", "digits", "classifier", "self-supervised", "random"] = "auto"
    """The feature space: `digits` (an MNIST classifier, in the package), `classifier` (trained once, on this data's
    labels), `self-supervised` (trained once, on this data without labels), `random` (a random network). `auto`:
    `digits` for MNIST, a like one for Stacked MNIST, otherwise `random`."""
    metrics: MetricList = "none"
    """Further metrics of each evaluation, separated by commas: the package's that aren't measured anyway, such as
    `kernel_distance`, or your own, such as `my_gan.py:sharpness`. The best checkpoint remains the one with the best
    Fréchet distance."""
    patience: int = Field(default=0, ge=0)
    """Stop after this many evaluations in a row without a new best Fréchet distance; 0: never."""


RUN_NAME = r"^[^\W_][\w.-]*$"
"""What a recipe, or the kind of a recorded run, may be called."""


class RunConfig(Section):
    """Everything that determines a run."""

    recipe: str = Field(pattern=RUN_NAME)
    """The recipe it was made from: letters, digits, - _ and dots."""
    seed: int = Field(default=0, ge=0, lt=2**31)
    """Seed of everything random: weights, latents, data order, augmentation, samples."""
    data: DataConfig = DataConfig()
    network: NetworkConfig = NetworkConfig()
    objective: ObjectiveConfig = ObjectiveConfig()
    train: TrainConfig = TrainConfig()
    pictures: PictureConfig = PictureConfig()
    evaluation: EvaluateConfig = EvaluateConfig()
    watchdog: WatchdogConfig = WatchdogConfig()
    kind: Literal["trained", "recorded"] = "trained"
    """`trained` by Pocketgan, or `recorded` from a training loop of one's own."""
    parts: dict[Kind, PartFacts] = Field(default={})
    """What is known about the parts that aren't the package's, by kind; filled in from the parts themselves."""
    settings: dict[str, Value] = Field(default={})
    """The settings of a recorded run, by the names that its author gave them."""

    @model_validator(mode="after")
    def _check(self) -> "RunConfig":
        self._look_up_parts()
        if self.objective.discriminator_batches == "two-step" and not self.facts("objective").separable:
            raise ConfigError("joint for relativistic")
        if self.reads_images:
            self._check_class()
        if self.data.target == "inverted" and not self.reads_images:
            raise ConfigError("inverted needs images", field="target")
        check_translation(self.data, self.objective, reads_images=self.reads_images)
        if self.kind == "trained":
            check_discriminator(self, needed=self.has_discriminator)
        if self.evaluation.patience and self.evaluation.evaluate_every == "none":
            raise ConfigError("patience needs evaluation", field="patience")
        return self

    def _check_class(self) -> None:
        """Checks that a generator that reads images receives a class exactly where it translates between classes."""
        name, conditional, takes = self.network.generator, self.network.conditional, self.facts("generator").takes_class
        if self.data.to == CLASSES and not (conditional and takes):
            raise ConfigError("classes without class", field="to" if takes else "generator", name=name)
        if self.data.to == CLASSES and self.data.task != NONE:
            raise ConfigError("classes and task", field="task")
        if conditional and not takes:
            raise ConfigError("autoencoder has no class", field="conditional", name=name)
        if conditional and self.data.to != CLASSES:
            raise ConfigError("class without classes", field="to", name=name)

    def _look_up_parts(self) -> None:
        """Checks the names and the options of all parts, and stores the facts of those that aren't the package's."""
        recorded = self.kind == "recorded"  # Of its parts, only a saved generator has a name.
        named: list[Kind] = [
            kind for kind in parts.NAMED if not recorded or (kind == "generator" and self.has_generator)
        ]
        found: dict[Kind, PartFacts] = dict(self.parts) if recorded else {}
        for kind in named:
            facts = parts.facts_of(kind, self.name_of(kind), self.parts.get(kind))
            if facts is not None:
                found[kind] = facts
        for name in self.metrics:
            facts = parts.facts_of("metric", name, self.parts.get("metric"))
            if facts is not None:
                found["metric"] = facts
        object.__setattr__(self, "parts", found)  # What is validated is frozen only afterwards.
        for field, kind in parts.OPTIONS.items():
            if kind not in named:
                continue
            section = self.train if kind == "optimizer" else self.network
            given = getattr(section, field)
            options = parts.typed_options(kind, self.name_of(kind), given)
            if options != given:
                object.__setattr__(section, field, options)

    def name_of(self, kind: Kind) -> str:
        """Returns the name of the configuration's generator, discriminator, objective, optimizer or schedule."""
        section = {"objective": self.objective, "optimizer": self.train, "schedule": self.train}.get(kind, self.network)
        return getattr(section, kind)

    def code(self) -> dict[str, bytes]:
        """Returns the source files of the parts that aren't the package's, by relative name, as far as they are known.

        Raises:
            ConfigError: a part's code isn't there.
        """
        files: dict[str, bytes] = {}
        for kind, name in self.own_parts():
            code = parts.get(kind, name).code
            files |= {} if code is None else code.files
        return files

    @property
    def metrics(self) -> list[str]:
        """The names of the further metrics of each evaluation."""
        return [] if self.evaluation.metrics == "none" else split(self.evaluation.metrics)

    @property
    def may_roll_back(self) -> bool:
        """Whether the run may go back to a healthy checkpoint; with `auto`, only on one's own images."""
        action = self.watchdog.on_failure
        return action == "rollback" or (action == "auto" and self.data.data not in PACKAGED)

    def own_parts(self) -> list[tuple[Kind, str]]:
        """Returns the kinds and names of the parts that aren't the package's."""
        named: list[tuple[Kind, str]] = [(kind, self.name_of(kind)) for kind in self.parts if kind != "metric"]
        metrics: list[tuple[Kind, str]] = [("metric", name) for name in self.metrics]
        return [(kind, name) for kind, name in named + metrics if name not in parts.BUILT_IN[kind]]

    def facts(self, kind: Kind) -> PartFacts:
        """Returns what is known about the configuration's part of a kind."""
        name = self.name_of(kind)
        if self.kind == "trained" and name in parts.BUILT_IN[kind]:
            return parts.BUILT_IN[kind][name]
        return self.parts.get(kind, PartFacts())

    @property
    def has_generator(self) -> bool:
        """Whether the run saves its generator: always where Pocketgan trains it, and if asked to where it records."""
        return self.kind == "trained" or "generator" in self.parts

    def stored(self) -> dict[str, Any]:
        """Returns the configuration as `config.json` holds it: of a recorded run, only what the recorder knows."""
        if self.kind == "trained":
            return self.model_dump()
        network = {"conditional", "generator", "generator_options", "latent_dim"}
        known: dict[str, Any] = {
            **dict.fromkeys(("recipe", "seed", "kind", "parts", "settings", "evaluation", "watchdog"), True),
            "data": set(DataConfig.model_fields) - {"sampling", "target", "balance"},
            "network": network if self.has_generator else {"conditional"},
            "train": {"duration", "log_every"},
            "pictures": {"sample_every", "sample_count"},
        }
        return self.model_dump(include=known)

    @property
    def has_discriminator(self) -> bool:
        """Whether a discriminator is trained beside the generator: unless the objective needs none."""
        return self.facts("objective").needs_discriminator

    @property
    def reads_images(self) -> bool:
        """Whether the generator translates images (True) or generates from noise (False)."""
        return self.facts("generator").reads_images

    @property
    def reads_pairs(self) -> bool:
        """Whether the discriminator sees the input of each translation beside its output or target."""
        return self.reads_images and not self.unpaired and self.facts("discriminator").reads_pairs

    @property
    def tells_classes(self) -> bool:
        """Whether the discriminator receives the class of each image."""
        return self.network.conditional or self.data.keep_class

    @property
    def changes_class(self) -> bool:
        """Whether the generator turns images of any class into images of a requested one."""
        return self.data.to == CLASSES

    @property
    def unpaired(self) -> bool:
        """Whether the generator learns from two domains without pairs."""
        return self.data.to != NONE
