"""The settings that `pocketgan.train` accepts as keywords. Written by `tools/train_fields.py`."""

from collections.abc import Sequence
from typing import Any, Literal, TypedDict


class TrainFields(TypedDict, total=False):
    """All settings and their other names; `docs/reference/settings.md` describes them."""

    seed: int
    data: Any
    size: int | Literal["auto"]
    fit: Literal["crop", "pad", "stretch"]
    color: Literal["auto", "gray", "rgb"]
    background: str
    value_range: str
    channels_at: Literal["auto", "first", "last", "none"]
    orientation: Literal["auto", "upright", "transposed"]
    labels: str
    condition: str
    skip_damaged: bool
    classes: str | int | Sequence[int | str]
    pixel_range: Literal["signed", "unit"]
    sampling: Literal["epoch", "replacement"]
    balance: bool
    target: Literal["same", "inverted"]
    task: Literal["none", "invert", "denoise", "upscale", "inpaint", "colorize", "edges", "thicken"]
    pairs: str
    to: str
    keep_class: bool
    validation: int | float
    validation_split: Literal["auto", "random", "stratified", "content"]
    test: int | float | Literal["auto"]
    fold: int | Literal["auto"]
    generator: Any
    discriminator: Any
    generator_options: dict[str, Any]
    discriminator_options: dict[str, Any]
    latent_dim: int
    hidden_dim: int
    width: float
    depth: int
    stages: int | Literal["auto"]
    discriminator_depth: int | None
    activation: Literal["relu", "leaky_relu", "elu", "selu", "gelu", "silu", "tanh"]
    discriminator_activation: Literal["relu", "leaky_relu", "elu", "selu", "gelu", "silu", "tanh"] | None
    negative_slope: float
    dropout: float
    weight_init: Literal["torch", "glorot", "dcgan"]
    conditional: bool
    objective: Any
    discriminator_batches: Literal["concatenated", "separate", "two-step"]
    r1: float | Literal["auto"]
    r2: float | Literal["auto"]
    gradient_penalty: float
    penalty_batch_fraction: float
    penalty_end: float
    mismatched_label_weight: float
    adversarial_weight: float
    reconstruction_weight: float
    identity_weight: float
    reuse_fake_batch: bool
    duration: str
    batch_size: int
    optimizer: Any
    optimizer_options: dict[str, Any]
    learning_rate: float
    discriminator_learning_rate: float | None
    beta1: float
    beta2: float
    epsilon: float
    schedule: Any
    decay_start: float
    warmup: str
    ema_half_life: str
    augment: str | int | Sequence[int | str]
    initial_run: str
    frozen_layers: int
    device: Literal["auto", "cpu", "cuda", "mps"]
    precision: Literal["auto", "float32", "bfloat16"]
    threads: int | Literal["auto"]
    replan: bool
    log_every: str
    checkpoint_every: str
    keep_checkpoints: int | Literal["all"]
    sample_every: str
    sample_count: int
    layout: Literal["grid", "strip"]
    sample_name: str
    count_by: Literal["step", "epoch"]
    evaluate_every: str
    evaluate_count: int
    features: Literal["auto", "digits", "classifier", "self-supervised", "random"]
    metrics: Any
    patience: int
    on_failure: Literal["auto", "continue", "stop", "rollback"]
    watch_window: int
    watch_progress: float
    watch_accuracy: float
    watch_modes: float
    watch_kl: float
    watch_duplicates: float
    watch_coverage: float
    watch_swing: float
    watch_hop: float
    watch_overfitting: float
    watch_overfitting_deviations: float
    watch_authentic: float
    watch_copying: float
    watch_past_best: float
    watch_stagnation: int
    z_dim: int
    dense_dim: int
    steps: Any
    iterations: Any
    epochs: Any
    sample_interval: Any
    lr: float
    batch: int
