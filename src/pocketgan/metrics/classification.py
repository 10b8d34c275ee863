"""Classification accuracy score: what a classifier learns of real images from generated ones."""

import itertools
import math

import torch
from jaxtyping import Int64, UInt8
from torch import Tensor
from torch.nn import functional

from pocketgan.data import derived_seed
from pocketgan.metrics.classifier import prepare

HIDDEN, STEPS, BATCH, RATE, WEIGHT_DECAY = 128, 400, 128, 4e-3, 0.05


def classification_accuracy(
    images: UInt8[Tensor, "n c h w"],
    labels: Int64[Tensor, "n"],
    real_images: UInt8[Tensor, "m c h w"],
    real_labels: Int64[Tensor, "m"],
    *,
    seed: int = 0,
) -> float:
    """Trains a classifier on generated images with the classes asked for, and tests it on real ones.

    The classification accuracy score (Ravuri & Vinyals 2019), with a network of one hidden layer on pixels in place of
    their ResNet, so that it takes about a second: figures compare with the real-vs-real floor, not with the paper's.

    Args:
        images, labels: the generated images and the classes that were asked for.
        real_images, real_labels: real images that the generator wasn't trained on, and their classes.
        seed: of first weights and order; nothing comes from PyTorch's global generator.

    Returns:
        The share of the real images that are told right, in [0, 1].

    Raises:
        ValueError: there are no images.
    """
    if len(images) == 0 or len(real_images) == 0:
        raise ValueError("images: none; it takes 1 or more of each")
    generator = torch.Generator().manual_seed(derived_seed(seed, "classification"))
    inputs, tests = prepare(images).flatten(1), prepare(real_images).flatten(1)
    classes = int(max(labels.max(), real_labels.max())) + 1
    sizes = (inputs.shape[1], HIDDEN, classes)
    weights = []
    for fan_in, fan_out in itertools.pairwise(sizes):
        weights += [torch.randn(fan_out, fan_in, generator=generator) * math.sqrt(2 / fan_in), torch.zeros(fan_out)]

    def logits(pixels: Tensor) -> Tensor:
        hidden = functional.linear(pixels, weights[0], weights[1]).relu()
        return functional.linear(hidden, weights[2], weights[3])

    with torch.enable_grad():
        weights = [weight.requires_grad_() for weight in weights]
        optimizer = torch.optim.AdamW(weights, lr=RATE, weight_decay=WEIGHT_DECAY)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=STEPS)
        for _ in range(STEPS):
            chosen = torch.randint(len(inputs), (BATCH,), generator=generator)
            loss = functional.cross_entropy(logits(inputs[chosen]), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    with torch.no_grad():
        return (logits(tests).argmax(dim=1) == real_labels).double().mean().item()
