"""The configuration: everything that determines a run. Frozen, validated, saved whole with the run.

Every field's docstring is also its help on the command line. Field names are unique over all sections, so
that a flag or a keyword (`batch_size=64`) needs no prefix.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from pocketgan.base.errors import ConfigError, nearest
from pocketgan.config.durations import CountedDuration, DurationText, HalfLife, OptionalDuration, SampleInterval, Warmup

AUGMENTATIONS = ("translation", "rotation", "cutout")
PACKAGED = ("mnist", "stacked-mnist")
"""Data that is in the package, by the name that `data` takes."""


def _join(value: Any) -> Any:
    """Lets Python callers pass a number or a list where the command line passes `0,1,7`."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, list | tuple):
        return ",".join(str(item) for item in value)
    return value


def split(text: str) -> list[str]:
    """Returns the items of a comma-separated list, without blanks and empty ones."""
    return [item.strip() for item in text.split(",") if item.strip()]


def _check_list(text: str) -> str:
    if not split(text):
        raise ConfigError("empty list")
    return ",".join(dict.fromkeys(split(text)))


def _check_augment(text: str) -> str:
    if text == "none":
        return text
    for name in split(text):
        if name not in AUGMENTATIONS:
            known = ", ".join(["none", *AUGMENTATIONS])
            raise ConfigError("no augmentation", name=repr(name), hint=nearest(name, AUGMENTATIONS), known=known)
    return _check_list(text)


NameList = Annotated[str, BeforeValidator(_join), AfterValidator(_check_list)]
AugmentList = Annotated[str, BeforeValidator(_join), AfterValidator(_check_augment)]
Activation = Literal["relu", "leaky_relu", "elu", "selu", "gelu", "silu", "tanh"]


class Section(BaseModel):
    """A part of the configuration: frozen, and closed to unknown fields."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False, strict=False
    )


class DataConfig(Section):
    """Which images, and how they are fed."""

    data: str = "mnist"
    """`mnist` (in the package), `stacked-mnist` (three of its digits as red, green and blue, 1,000 classes), or a path:
    a folder of MNIST-style IDX files, an .npz file with `images` and optionally `labels`, or a folder of PNG/JPEG
    images whose sub-folders are classes."""
    classes: NameList = "all"
    """Train on these classes alone: `8`, or `0,1,7`; `all` for every one."""
    pixel_range: Literal["signed", "unit"] = "signed"
    """What the networks see: `signed` for [-1, 1] and a tanh at the generator's end, `unit` for [0, 1] and a
    sigmoid."""
    sampling: Literal["epoch", "replacement"] = "epoch"
    """`epoch`: each image once an epoch. `replacement`: every batch drawn from all images anew."""
    target: Literal["same", "inverted"] = "same"
    """What the discriminator sees as real: the images, or the same images `inverted` (dark on white)."""
    validation: int | float = Field(default=0, ge=0)
    """Images of the training split that are held out, to follow the run against, the same ones for every seed: a
    number, of which a fifth of the split is taken at most, or a share below 1. None where that leaves under 200."""
    validation_split: Literal["auto", "random", "stratified"] = "auto"
    """How held-out images are drawn: `random`, or `stratified`, each class in proportion, so that a rare class is
    neither lost to training nor to evaluation. `auto`: stratified for your own labeled data, random for the data in
    the package."""


class NetworkConfig(Section):
    """The two networks. Sizes are parameters; every recipe takes them."""

    generator: Literal["mlp", "dcgan", "autoencoder", "pocket"] = "mlp"
    """The generator's architecture. `autoencoder` reads images, the others read noise."""
    discriminator: Literal["mlp", "dcgan", "pocket"] = "mlp"
    """The discriminator's architecture."""
    latent_dim: int = Field(default=100, ge=1, le=4096)
    """Numbers in the generator's noise vector z. Also `--z-dim`."""
    hidden_dim: int = Field(default=128, ge=1, le=8192)
    """The base width: units of a dense layer, channels of a convolution. Also `--dense-dim`."""
    width: float = Field(default=1.0, gt=0, le=64)
    """Multiplies every hidden width of both networks."""
    depth: int = Field(default=1, ge=1, le=16)
    """Hidden layers of the generator (`dcgan`, `pocket`: convolutions at each resolution)."""
    discriminator_depth: int | None = Field(default=None, ge=1, le=16)
    """Hidden layers of the discriminator; none: as the generator."""
    activation: Activation = "leaky_relu"
    """The activation of the hidden layers."""
    discriminator_activation: Activation | None = None
    """The activation of the discriminator's hidden layers; none: as the generator."""
    negative_slope: float = Field(default=0.2, ge=0, le=1)
    """The slope of LeakyReLU below zero."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of units dropped after a hidden layer (`autoencoder`)."""
    weight_init: Literal["torch", "glorot", "dcgan"] = "torch"
    """First weights: PyTorch's default, `glorot` (uniform, as Keras) or `dcgan` (normal, deviation 0.02)."""
    conditional: bool = False
    """Whether both networks are told the class of each image (where the data has labels)."""


class ObjectiveConfig(Section):
    """The adversarial game."""

    objective: Literal["bce", "minimax", "msle", "least_squares", "hinge", "wasserstein", "relativistic"] = "bce"
    """The pair of losses. `bce` is the non-saturating game, `minimax` the saturating one.
    `wasserstein` wants `--gradient-penalty 10`."""
    discriminator_batches: Literal["concatenated", "separate", "two-step"] = "separate"
    """`concatenated`: one batch of real and generated images together. `separate`: two batches, one update.
    `two-step`: an update on the real images, then one on the generated ones."""
    r1: float = Field(default=0.0, ge=0)
    """Weight of the penalty on the discriminator's gradient at real images."""
    r2: float = Field(default=0.0, ge=0)
    """Weight of the penalty on the discriminator's gradient at generated images."""
    gradient_penalty: float = Field(default=0.0, ge=0)
    """Weight of the penalty that keeps the gradient's norm at 1 between real and generated images."""
    penalty_batch_fraction: float = Field(default=1.0, gt=0, le=1)
    """Share of each batch on which penalties are taken; 0.5 saves about a sixth of a step of `pocket`."""
    mismatched_label_weight: float = Field(default=0.0, ge=0)
    """Weight of a second game, where the networks are told the class: real images with their class against the same
    images with another (Reed et al. 2016). It costs no pass, and makes the generator draw the class it is asked for."""
    reuse_fake_batch: bool = False
    """Whether the generator's step reuses the images that the discriminator's step has generated, and its logits of the
    real ones, which saves two passes. Otherwise it generates images of its own."""

    @model_validator(mode="after")
    def _check(self) -> "ObjectiveConfig":
        if self.discriminator_batches == "two-step" and self.objective == "relativistic":
            raise ConfigError("joint for relativistic")
        if self.discriminator_batches == "two-step" and self.mismatched_label_weight > 0:
            raise ConfigError("joint for mismatch", field="mismatched_label_weight")
        if self.discriminator_batches == "two-step" and self.r1 + self.r2 + self.gradient_penalty > 0:
            raise ConfigError("joint for penalties")
        return self


class TrainConfig(Section):
    """How long and how fast."""

    duration: DurationText = "10 epochs"
    """How long to train: `50 epochs`, `10000 steps`, `500 kimg` (thousands of real images) or `5 min`. Also
    `--steps N`, `--iterations N`, `--epochs N`."""
    batch_size: int = Field(default=128, ge=1, le=65536)
    """Real images a step. Also `--batch`."""
    learning_rate: float = Field(default=2e-4, gt=0, le=1)
    """Adam's rate, of both networks. Also `--lr`."""
    discriminator_learning_rate: float | None = Field(default=None, gt=0, le=1)
    """Adam's rate for the discriminator; none: as the generator."""
    beta1: float = Field(default=0.9, ge=0, lt=1)
    """Adam's decay of the mean gradient."""
    beta2: float = Field(default=0.999, ge=0, lt=1)
    """Adam's decay of the mean squared gradient."""
    epsilon: float = Field(default=1e-8, gt=0, le=1)
    """Adam's small number in the denominator."""
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    """How the rate falls until the end: not at all, or to zero along a line or a half cosine."""
    decay_start: float = Field(default=0.0, ge=0, lt=1)
    """Share of the duration before the rate begins to fall."""
    warmup: Warmup = "none"
    """The rate rises from zero over this long; `none`: full rate at once."""
    ema_half_life: HalfLife = "none"
    """Half-life of the averaged generator, in images (`10 kimg`, at most 5% of those seen so far), or as a share of the
    images seen so far (`10%`); `none`: pictures come from the raw one."""
    augment: AugmentList = "none"
    """Differentiable augmentation of real and generated images alike: any of `translation`, `rotation`,
    `cutout`, with commas; or `none`."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to train; `auto` takes CUDA, then Apple's MPS, then the CPU."""
    precision: Literal["auto", "float32", "bfloat16"] = "float32"
    """Arithmetic of the networks' passes (autocast); weights and losses stay float32. `auto`: bfloat16 where the
    processor multiplies it natively."""
    threads: Annotated[int, Field(ge=0, le=1024)] | Literal["auto"] = "auto"
    """CPU threads. `auto`: as many as train fastest on the cores that other programs leave free, looked at again
    every second; each change is recorded, and a resumed run repeats it. A number is never changed; 0: one a core."""
    replan: bool = False
    """Whether a duration in time is planned again, in steps, when the speed changes by half on the way; each change is
    recorded, and a resumed run repeats it."""
    log_every: CountedDuration = "100 steps"
    """How often a row of losses is written."""
    checkpoint_every: DurationText = "1 min"
    """How often the whole state is saved."""
    keep_checkpoints: Annotated[int, Field(ge=1)] | Literal["all"] = 3
    """Checkpoints kept, the newest ones, or `all`. The best one is always kept, and so is what `--on-failure rollback`
    can need."""


class PictureConfig(Section):
    """The pictures written along the way."""

    sample_every: SampleInterval = "1 epoch"
    """How often sample images are written, always from the same latents; `end`: after training only; `none`: never.
    Also `--sample-interval N`, in steps."""
    sample_count: int = Field(default=64, ge=1, le=4096)
    """Images in a sample."""
    layout: Literal["grid", "strip"] = "grid"
    """A square grid, or one row."""
    sample_name: str = Field(default="samples", pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
    """What the pictures' file names begin with."""
    count_by: Literal["step", "epoch"] = "step"
    """What the pictures' file names count."""


class EvaluateConfig(Section):
    """How the run is followed: against the validation part, or the training images where none is held out."""

    evaluate_every: OptionalDuration = "none"
    """How often the generator is measured: `60 s`, `1 epoch`; `none`: never. It changes nothing in training."""
    evaluate_count: int = Field(default=2000, ge=200, le=100_000)
    """Images generated for one evaluation."""
    features: Literal["auto", "digits", "classifier", "random"] = "auto"
    """The feature space: `digits` (a classifier of MNIST, in the package), `classifier` (trained on this data's
    labels, once), `random` (a random network). `auto`: `digits` for MNIST, else `random`."""
    patience: int = Field(default=0, ge=0)
    """Stop after so many evaluations in a row without a new best Fréchet distance; 0: never."""


class WatchdogConfig(Section):
    """When the watchdog speaks, and what is then done. Every threshold's reason stands in its help."""

    on_failure: Literal["continue", "stop", "rollback"] = "continue"
    """What to do when a failure is named: go on, stop, or go back to the last healthy checkpoint with half the
    learning rate (three times at most)."""
    watch_window: int = Field(default=3, ge=2, le=100)
    """Evaluations in a row that must show a failure: one bad moment is none, two may be luck."""
    watch_progress: float = Field(default=0.1, gt=0, lt=1)
    """A run gets better while its Fréchet distance falls by this share within the window; two evaluations of the
    same generator differ by less. Collapse and a winning discriminator are named only where it doesn't."""
    watch_accuracy: float = Field(default=0.97, gt=0.5, le=1)
    """The discriminator has won when it tells this share right on both sides; healthy games stay below 0.95 after
    their first steps."""
    watch_modes: float = Field(default=0.5, gt=0, le=1)
    """Collapse: at most this share of the classes is drawn; every healthy recipe draws all of them."""
    watch_kl: float = Field(default=0.7, gt=0)
    """Collapse: the drawn classes are this far from the real ones, in nats; ln 2 is half of them missing."""
    watch_duplicates: float = Field(default=0.3, gt=0, le=1)
    """Collapse: this share has a near-twin in its own sample; real images have 0.01 by definition."""
    watch_coverage: float = Field(default=0.1, ge=0, le=1)
    """Collapse: twins count only where less of the real images than this is covered; the healthy stand above 0.3."""
    watch_swing: float = Field(default=0.4, gt=0)
    """Oscillation: the Fréchet distance goes up and down by this share of itself, in turn."""
    watch_hop: float = Field(default=0.4, gt=0, le=1)
    """Oscillation: this share of the images changes its class between evaluations, in turn; latents are the same."""
    watch_overfitting: float = Field(default=0.4, gt=0, le=1)
    """The discriminator's r_v (Karras et al. 2020): how far held-out images look generated to it, 0 to 1. Their
    augmentation aims at 0.6 of a like measure."""
    watch_overfitting_deviations: float = Field(default=4.0, gt=0)
    """And by so many standard errors: where the discriminator hardly tells real from generated images, as it should
    be, r_v is a ratio of noise, seen from −1 to 0.8 in healthy runs of `pocket`."""
    watch_authentic: float = Field(default=0.6, gt=0, lt=1)
    """Memorisation: at most this many times as large a share is authentic as of held-out images; copies have 0."""
    watch_copying: float = Field(default=-1.0, lt=0)
    """Memorisation: C_T (Meehan et al. 2020), in deviations; generators that don't copy stand above 0, since their
    images are less sharp than real ones."""
    watch_past_best: float = Field(default=1.5, gt=1)
    """Past its best: the Fréchet distance stands at so many times its best, all through the window."""
    watch_stagnation: int = Field(default=8, ge=3, le=1000)
    """Stagnation: so many evaluations in a row within 2% of each other, far from the floor; an evaluation repeats
    itself to less, and a slow but healthy run moves by more."""


class RunConfig(Section):
    """Everything that determines a run."""

    recipe: str = Field(pattern=r"^[^\W_][\w.-]*$")
    """The recipe it was made from: letters, digits, - _ and dots."""
    seed: int = Field(default=0, ge=0, lt=2**31)
    """The seed of everything random: weights, latents, data order, augmentation, samples."""
    data: DataConfig = DataConfig()
    network: NetworkConfig = NetworkConfig()
    objective: ObjectiveConfig = ObjectiveConfig()
    train: TrainConfig = TrainConfig()
    pictures: PictureConfig = PictureConfig()
    evaluation: EvaluateConfig = EvaluateConfig()
    watchdog: WatchdogConfig = WatchdogConfig()

    @model_validator(mode="after")
    def _check(self) -> "RunConfig":
        reads_images = self.network.generator == "autoencoder"
        if reads_images and self.network.conditional:
            raise ConfigError("autoencoder has no class", field="conditional")
        if self.data.target == "inverted" and not reads_images:
            raise ConfigError("inverted needs images", field="target")
        if self.evaluation.patience and self.evaluation.evaluate_every == "none":
            raise ConfigError("patience needs evaluation", field="patience")
        return self

    @property
    def reads_images(self) -> bool:
        """Whether the generator redraws images (True) or draws from noise (False)."""
        return self.network.generator == "autoencoder"
