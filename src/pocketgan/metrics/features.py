"""Feature spaces: the networks that turn images into features. Each score carries the space's name, version and hash.

`digits` is a classifier of MNIST that comes with the package. `python -m pocketgan.metrics.features train` trains it.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Literal

import torch
from jaxtyping import Float, UInt8
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from pocketgan.base.errors import DataError, StorageError
from pocketgan.base.files import cache_folder, parse_json, write_atomically
from pocketgan.base.messages import problem
from pocketgan.base.progress import Progress, work
from pocketgan.config.data_section import DataConfig
from pocketgan.images.sets import ImageSet, load_images
from pocketgan.metrics.classifier import FEATURES, Classifier, classify, fit, fused, new_classifier
from pocketgan.metrics.feature_cache import metadata, read_features, tensors_hash, write_features
from pocketgan.metrics.inception import inception_features
from pocketgan.metrics.samples import Sample
from pocketgan.metrics.self_supervised import BASE_SIDE, encode, fit_encoder, new_encoder
from pocketgan.metrics.words import NOTES

VERSION = 1
DIGITS_FILE = "digits.safetensors"
IMAGES_TO_FIT = 360_000
"""Images shown to a classifier of other data in training: six epochs of 60,000."""
PAIRS_TO_FIT = 60_000
"""Images of at most 32 pixels shown, each in two views, to an encoder that learns without labels: one epoch of
60,000. Larger images take more time each, so fewer are shown."""
MOST_EPOCHS = 60.0
LEAST_TO_LEARN = 50
"""Minimum number of images for a network that learns without labels."""
RANDOM_SEED = 28
LEAST_KEPT = 5_000
"""Minimum number of images whose features are cached."""
Name = Literal["digits", "stacked", "classifier", "self-supervised", "random", "inception"]


@dataclass(frozen=True)
class FeatureSpace:
    """A map from images to features.

    Attributes:
        name: `digits`, `stacked`, `classifier`, `self-supervised`, `random` or `inception`.
        version: a number that is raised whenever the same images would get other features.
        hash: the first 12 hexadecimal digits of the SHA-256 of the network's weights and of the standardization.
        channels, size: of the images that the space accepts; 0 for any.
        class_names: the classes of its classifier; empty without one.
        width: the length of a feature vector.
        note: a remark for readers of the scores.
        embed: a function from uint8 images (N, C, H, W) to features (N, width) and logits (N, classes), or None without
            a classifier.
        equal_classes: whether real images have all classes equally often by design. Class histograms are then compared
            with equal shares and not with those of the real images at hand.
    """

    name: Name
    version: int
    hash: str
    channels: int
    size: int
    class_names: tuple[str, ...]
    width: int
    note: str
    embed: Callable[[UInt8[Tensor, "n c h w"]], tuple[Float[Tensor, "n d"], Float[Tensor, "n classes"] | None]]
    equal_classes: bool = False

    def __call__(self, images: UInt8[Tensor, "n c h w"], labels: Tensor | None = None) -> Sample:
        """Returns images with their features in this space.

        Args:
            images: uint8 [0, 255], (N, C, H, W).
            labels: their true or requested classes, as indices into `class_names`, or None.

        Raises:
            DataError: the images have another size or number of channels.
        """
        _, channels, height, width = images.shape
        if self.channels and (channels, height, width) != (self.channels, self.size, self.size):
            expected, result = f"{self.channels}×{self.size}×{self.size}", f"{channels}×{height}×{width}"
            message = problem("images for space", space=self.name, expected=expected, found=result)
            raise DataError(message, field="features")
        features, logits = self.embed(images)
        return Sample(images, features, None if logits is None else logits.softmax(dim=1), labels)

    def __str__(self) -> str:
        return f"{self.name} (version {self.version}, {self.hash})"


def digits() -> FeatureSpace:
    """Returns the space of the packaged MNIST classifier: 128 features of images of 1×28×28."""
    content = resources.files("pocketgan.metrics").joinpath(DIGITS_FILE).read_bytes()
    return trained_space("digits", content, NOTES["digits"])


def stacked() -> FeatureSpace:
    """Returns the space of Stacked MNIST: the features of `digits` for each channel, 384 in all, and 1,000 classes."""
    space = digits()
    names = tuple(f"{number:03d}" for number in range(1000))

    def embed(images: Tensor) -> tuple[Tensor, Tensor]:
        count, size = len(images), images.shape[2]
        features, logits = space.embed(images.reshape(3 * count, 1, size, size))
        assert logits is not None
        red, green, blue = logits.log_softmax(dim=1).view(count, 3, 10).unbind(dim=1)
        numbers = red[:, :, None, None] + green[:, None, :, None] + blue[:, None, None, :]
        return features.reshape(count, -1), numbers.reshape(count, -1)

    width, note = 3 * space.width, NOTES["stacked"]
    return FeatureSpace("stacked", VERSION, space.hash, 3, space.size, names, width, note, embed, equal_classes=True)


def random(channels: int) -> FeatureSpace:
    """Returns the space of a random network, which is always the same: 128 features, not standardized, no classes."""
    network = new_classifier(channels, 1, RANDOM_SEED)
    weights = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    network = fused(network)

    def embed(images: Tensor) -> tuple[Tensor, None]:
        return classify(network, images)[0], None

    return FeatureSpace("random", VERSION, tensors_hash(weights), 0, 0, (), FEATURES, NOTES["random"], embed)


def inception(weights: str | Path | None = None) -> FeatureSpace:
    """Returns the space of Inception-v3: 2,048 features, for comparison with papers.

    Args:
        weights: the file of torch-fidelity's weights, or None to let torch-fidelity download them.

    Raises:
        DataError: torch-fidelity isn't installed, or the file can't be read.
    """
    network, result = inception_features(weights)

    def embed(images: Tensor) -> tuple[Tensor, None]:
        return network(images), None

    return FeatureSpace("inception", VERSION, tensors_hash(result), 0, 0, (), 2048, NOTES["inception"], embed)


def classifier(images: ImageSet, progress: Progress | None = None) -> FeatureSpace:
    """Returns the space of a classifier of these images, which is trained once and then stored in the user's cache.

    Args:
        images: the training split, with labels of at least two classes.
        progress: shows the progress of training.

    Raises:
        DataError: there are no labels, or there is only one class.
    """
    if len(images.class_names) < 2:
        key = "one class to train on" if images.class_names else "no labels to train on"
        raise DataError(key, field="features", source=images.source)
    epochs = min(MOST_EPOCHS, IMAGES_TO_FIT / len(images))
    note = NOTES["classifier"].format(source=images.source)
    return stored_space(
        f"classifier-{VERSION}-{images.digest()[:16]}",
        partial(trained_space, "classifier", note=note),
        lambda shown: train_space(images, epochs=epochs, seed=0, progress=shown),
        progress,
    )


def self_supervised(images: ImageSet, progress: Progress | None = None) -> FeatureSpace:
    """Returns the space of an encoder that learned from these images without labels: 128 features, no classes.

    It is trained once and then stored in the user's cache.

    Args:
        images: the training split; labels are ignored.
        progress: shows the progress of training.

    Raises:
        DataError: there are fewer than 50 images.
    """
    if len(images) < LEAST_TO_LEARN:
        parts = {"source": images.source, "found": len(images), "least": LEAST_TO_LEARN}
        raise DataError("too few to learn from", field="features", **parts)
    share = min(1.0, BASE_SIDE / images.images.shape[2])
    epochs = min(MOST_EPOCHS, share * PAIRS_TO_FIT / len(images))
    note = NOTES["self-supervised"].format(source=images.source)
    return stored_space(
        f"self-supervised-{VERSION}-{ImageSet(images.images, None, (), '').digest()[:16]}",
        partial(encoder_space, note=note),
        lambda shown: train_encoder(images, epochs=epochs, seed=0, progress=shown),
        progress,
    )


def stored_space(
    name: str,
    open_space: Callable[[bytes], FeatureSpace],
    train: Callable[[Progress], bytes],
    progress: Progress | None,
) -> FeatureSpace:
    """Returns a space from the user's cache, or trains it and stores it there; a damaged file is replaced.

    Args:
        name: the name of the file, which contains everything that the space depends on.
        open_space: makes the space of a file's content.
        train: trains the network, and returns the content of its file.
        progress: shows the progress of training.
    """
    path = cache_folder() / f"{name}.safetensors"
    if path.is_file():
        try:
            return open_space(path.read_bytes())
        except (OSError, SafetensorError, KeyError, ValueError, RuntimeError):
            path.unlink(missing_ok=True)
    progress = progress or Progress(quiet=True)
    content = train(progress)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
    except (OSError, StorageError) as error:
        progress.say(work("network not stored", folder=path.parent, why=error))
    return open_space(content)


def kept(space: FeatureSpace, images: ImageSet, labels: Tensor | None) -> Sample:
    """Returns real images with their features, which are stored in the user's cache if there are many images.

    The features are the same in every evaluation and for every run of a study, and computing them takes longest.
    """
    shares = None
    if space.equal_classes:
        shares = torch.full((len(space.class_names),), 1 / len(space.class_names), dtype=torch.float64)
    tensors = kept_tensors(space, images)
    return Sample(images.images, tensors["features"], tensors.get("probabilities"), labels, shares)


def kept_tensors(space: FeatureSpace, images: ImageSet) -> dict[str, Tensor]:
    """Returns `features`, and `probabilities` if the space classifies, from the cache if possible.

    The file's name contains everything that they depend on: the space's name, version and hash, and the images' digest.
    """
    name = f"features-{space.name}-{space.version}-{space.hash}-{images.digest()[:16]}.safetensors"
    path, count = cache_folder() / name, len(images)
    shapes = {"features": (count, space.width)}
    if space.class_names:
        shapes["probabilities"] = (count, len(space.class_names))
    known = read_features(path, shapes) if count >= LEAST_KEPT else None
    if known is not None:
        return known
    sample = space(images.images)
    tensors = {"features": sample.features, "probabilities": sample.probabilities}
    tensors = {name: tensor for name, tensor in tensors.items() if tensor is not None}
    if count >= LEAST_KEPT:
        write_features(path, tensors)
    return tensors


def train_space(images: ImageSet, *, epochs: float, seed: int, progress: Progress) -> bytes:
    """Trains a classifier on labeled images, and returns it with its standardization as a safetensors file."""
    assert images.labels is not None
    network = new_classifier(images.images.shape[1], len(images.class_names), seed)
    steps = fit(network, images.images, images.labels, epochs=epochs, seed=seed)
    with progress.task(work("training a classifier", images=len(images), source=images.source)) as advance:
        for share in steps:
            advance(share)
    features, _ = classify(network, images.images)
    tensors = {f"network.{name}": tensor.contiguous() for name, tensor in network.state_dict().items()}
    tensors["mean"], deviation = features.mean(dim=0), features.std(dim=0)
    tensors["deviation"] = torch.where(deviation > 0, deviation, 1.0)
    return save(tensors, {"classes": json.dumps(images.class_names), "size": str(images.images.shape[2])})


def trained_space(name: Name, content: bytes, note: str) -> FeatureSpace:
    """Creates the feature space of a classifier (standardized penultimate features) from its safetensors file."""
    tensors = load(content)
    facts = metadata(content)
    class_names = tuple(parse_json(facts["classes"]))
    mean, deviation = tensors["mean"], tensors["deviation"]
    weights = {key.removeprefix("network."): t for key, t in tensors.items() if key.startswith("network.")}
    channels = weights["body.0.0.weight"].shape[1]
    network = new_classifier(channels, len(class_names))
    network.load_state_dict(weights)
    network = fused(network)

    def embed(images: Tensor) -> tuple[Tensor, Tensor]:
        features, logits = classify(network, images)
        return (features - mean) / deviation, logits

    size = int(facts["size"])
    return FeatureSpace(name, VERSION, tensors_hash(tensors), channels, size, class_names, FEATURES, note, embed)


def train_encoder(images: ImageSet, *, epochs: float, seed: int, progress: Progress) -> bytes:
    """Trains an encoder on images without labels, and returns it with its normalization as a safetensors file.

    All features are divided by one number, which gives them a mean variance of 1: a feature that hardly varies says
    little, and must not count as much as the others.
    """
    channels, size = images.images.shape[1:3]
    network = new_encoder(channels, size, seed)
    steps = fit_encoder(network, images.images, epochs=epochs, seed=seed)
    with progress.task(work("training an encoder", images=len(images), source=images.source)) as advance:
        for share in steps:
            advance(share)
    tensors = {f"network.{name}": tensor.contiguous() for name, tensor in network.state_dict().items()}
    features = encode(network, images.images)
    tensors["mean"], scale = features.mean(dim=0), features.var(dim=0).mean().sqrt()
    tensors["scale"] = torch.where(scale > 0, scale, 1.0)
    return save(tensors, {"channels": str(channels), "size": str(size)})


def encoder_space(content: bytes, note: str) -> FeatureSpace:
    """Creates the feature space of an encoder (normalized features) from its safetensors file."""
    tensors, facts = load(content), metadata(content)
    channels, size = int(facts["channels"]), int(facts["size"])
    mean, scale = tensors["mean"], tensors["scale"]
    network = new_encoder(channels, size)
    network.load_state_dict({key[8:]: tensor for key, tensor in tensors.items() if key.startswith("network.")})
    network = fused(network)

    def embed(images: Tensor) -> tuple[Tensor, None]:
        return (encode(network, images) - mean) / scale, None

    return FeatureSpace("self-supervised", VERSION, tensors_hash(tensors), channels, size, (), FEATURES, note, embed)


def train(epochs: float = 10, seed: int = 0, out: Path = Path(DIGITS_FILE)) -> None:
    """Trains the classifier of the space `digits` on MNIST's training split, and writes it beside its card.

    Args:
        epochs: the duration of training, in epochs.
        seed: the seed of the initial weights, the order and the augmentation.
        out: the safetensors file; the card has the same name with the ending .md.
    """
    progress = Progress()
    images = load_images(DataConfig())
    content = train_space(images, epochs=epochs, seed=seed, progress=progress)
    write_atomically(out, content)
    space, test = trained_space("digits", content, ""), load_images(DataConfig(), "test")
    right = (space(test.images).predicted == test.labels).double().mean().item()
    card = CARD.format(
        version=space.version,
        hash=space.hash,
        parameters=f"{sum(p.numel() for p in Classifier(1, len(images.class_names)).parameters()):,}",
        kilobytes=f"{len(content) / 1000:.0f}",
        command=f"python -m pocketgan.metrics.features train --epochs {epochs:g} --seed {seed}",
        accuracy=f"{right:.2%}",
        wrong=f"{round((1 - right) * len(test)):,} of {len(test):,} wrong",
        torch=torch.__version__,
    )
    write_atomically(out.with_suffix(".md"), card.encode())
    progress.say(f"{out}: {right:.2%} of the test split right")


CARD = """\
# The classifier behind the feature space `digits`

Version {version}, hash {hash}; {parameters} parameters, {kilobytes} kB.

- **What it is for.** Features for measuring how near generated digits are to real ones, and class probabilities.
  Not for reading handwriting: it has seen MNIST alone.
- **Data.** MNIST's training split, 60,000 images of 1×28×28, and nothing else. The test split trained nothing; its
  accuracy was seen when this network was chosen out of three, after one epoch each.
- **Network.** Convolutions of 24 channels (5×5), 48 and 96 (3×3), each with BatchNorm and ReLU, max-pooling after the
  first two, average-pooling to 3×3, a dense layer of 128 with BatchNorm and ReLU, a linear layer to ten classes.
- **Training.** Cross-entropy, AdamW, rates along one cycle, random turns, shears, stretches and shifts:
  `{command}` with PyTorch {torch}.
- **Features.** The 128 penultimate activations, each minus its mean over the training split and divided by its
  standard deviation there.
- **Accuracy.** {accuracy} of MNIST's test split ({wrong}).
- **Licence.** As the package's, MIT; MNIST is by Yann LeCun, Corinna Cortes and Christopher Burges.
"""


if __name__ == "__main__":
    import tyro

    tyro.extras.subcommand_cli_from_dict({"train": train}, prog="python -m pocketgan.metrics.features")
