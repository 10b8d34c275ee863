"""Adaptive discriminator augmentation: as strong as the discriminator overfits (Karras et al. 2020).

All images that the discriminator sees are flipped, shifted, scaled, turned and recolored, each with a probability that
rises while its scores of held-out images move away from those of training images, and falls otherwise. The generator
never learns the changes as long as the probability stays below about 0.8 (Karras et al. 2020, section 2.2).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from pocketgan.images.batches import Batches
from pocketgan.images.seeds import derived_seed

Images = Float[Tensor, "n c h w"]

EVERY = 8
"""Steps between two looks at held-out images."""
TARGET = 0.3
"""The value of r_v at which the probability stays as it is; 0 is no overfitting, 1 is complete."""
HIGHEST = 0.8
"""Largest probability."""
RAMP = 20_000
"""Training images during which the probability can rise from 0 to 1."""
SHIFT, SCALE, DEGREES, BRIGHTNESS, CONTRAST = 1 / 8, 0.2, 15.0, 0.2, 0.25
"""Largest changes: of the place in sides, of the logarithm of the size, of the angle, and of the colors."""
FLIP_SAMPLE, FLIP_RATIO = 300, 1.15
"""Flips are allowed up to this ratio of a flipped image's distance from other images to its own distance."""


@dataclass
class Strength:
    """The probability of each change, and the scores since it was last adapted.

    Attributes:
        probability: in [0, 0.8].
        sums: of the scores of training images and of generated ones, and their number; float64, shape (3,).
        ratio: the last r_v.
        flips: whether images may be mirrored.
    """

    probability: float = 0.0
    sums: Tensor = field(default_factory=lambda: torch.zeros(3, dtype=torch.float64))
    ratio: float = 0.0
    flips: bool = False

    def observe(self, real_logits: Float[Tensor, "n"], fake_logits: Float[Tensor, "n"]) -> None:
        """Adds the scores of one step's training and generated images."""
        count = torch.tensor(float(len(real_logits)), dtype=torch.float64)
        scores = [real_logits.double().sum().cpu(), fake_logits.double().sum().cpu(), count]
        self.sums += torch.stack(scores)

    def adapt(self, held_out_logits: Float[Tensor, "n"], images: int) -> None:
        """Changes the probability by one step, up or down.

        r_v = (E D(train) − E D(held-out)) / (E D(train) − E D(generated)) (Karras et al. 2020, equation 1).

        Args:
            held_out_logits: scores of held-out images.
            images: training images since the last change.
        """
        real, fake, count = self.sums.tolist()
        gap = (real - fake) / count
        self.ratio = (real / count - held_out_logits.double().mean().item()) / gap if gap > 0 else 0.0
        change = images / RAMP * (1 if self.ratio > TARGET else -1)
        self.probability = min(HIGHEST, max(0.0, self.probability + change))
        self.sums.zero_()

    def tensor(self) -> Tensor:
        """Returns everything as one tensor, for a checkpoint."""
        return torch.cat([torch.tensor([self.probability, self.ratio], dtype=torch.float64), self.sums])

    def load(self, saved: Tensor) -> None:
        """Restores what `tensor` returned."""
        self.probability, self.ratio = saved[:2].tolist()
        self.sums = saved[2:].clone()


def follow(
    strength: Strength,
    step: int,
    scores: tuple[Tensor, Tensor],
    held_out: Batches | None,
    score: Callable[[Tensor, Tensor | None], Tensor],
) -> None:
    """Adapts the probability after a training step, if it is due.

    Args:
        strength: what is adapted.
        step: the step that was done, counted from 1.
        scores: the step's logits of training and of generated images, (N,) each.
        held_out: batches of held-out images; None leaves the probability as it is.
        score: the discriminator, from augmented images and labels to logits.
    """
    if held_out is None:
        return
    strength.observe(*scores)
    if step % EVERY == 0:
        batch = held_out.at(step // EVERY * held_out.batch_size)
        with torch.no_grad():
            strength.adapt(score(batch.real, batch.labels), EVERY * held_out.batch_size)


def vary(images: Images, probability: float, background: float, flips: bool, generator: torch.Generator) -> Images:
    """Returns images that are moved and recolored, each change with this probability; can be differentiated twice.

    Args:
        images: float images in the networks' pixel range.
        probability: of each change, in [0, 1]; at 0 no random number is drawn.
        background: the pixel value for uncovered areas.
        flips: whether images may be mirrored.
        generator: source of the random numbers, on the images' device.
    """
    if probability == 0:
        return images
    count = len(images)

    def chosen(values: Tensor, neutral: float) -> Tensor:
        use = torch.rand(count, generator=generator, device=images.device) < probability
        return torch.where(use, values, torch.full_like(values, neutral))

    def spread(reach: float) -> Tensor:
        return (2 * torch.rand(count, generator=generator, device=images.device) - 1) * reach

    mirror = chosen(torch.sign(spread(1.0)), 1.0) if flips else torch.ones(count, device=images.device)
    size = chosen(spread(SCALE).exp(), 1.0)
    angle = chosen(spread(math.radians(DEGREES)), 0.0)
    right, down = chosen(spread(SHIFT), 0.0), chosen(spread(SHIFT), 0.0)
    moved = affine(images, mirror, size, angle, right, down, background)
    lighter, contrast = chosen(spread(BRIGHTNESS), 0.0), chosen(spread(CONTRAST).exp(), 1.0)
    return recolored(moved, lighter, contrast)


def affine(
    images: Images, mirror: Tensor, size: Tensor, angle: Tensor, right: Tensor, down: Tensor, background: float
) -> Images:
    """Returns images that are mirrored, scaled, turned about their center and shifted, bilinearly.

    Pixels are gathered and weighted, so that gradients of gradients exist, as penalties need them.

    Args:
        images: shape (N, C, H, W).
        mirror: 1, or −1 for mirrored images, (N,).
        size, angle: factor and radians, (N,).
        right, down: shifts in sides, (N,).
        background: the pixel value outside.
    """
    count, channels, height, width = images.shape
    rows = torch.arange(height, device=images.device) + 0.5 - height / 2
    columns = torch.arange(width, device=images.device) + 0.5 - width / 2
    y = rows[None, :, None] - (down * height)[:, None, None]
    x = columns[None, None, :] - (right * width)[:, None, None]
    cosine, sine = (angle.cos() / size)[:, None, None], (angle.sin() / size)[:, None, None]
    from_x = (cosine * x + sine * y) * mirror[:, None, None] + width / 2 - 0.5
    from_y = cosine * y - sine * x + height / 2 - 0.5
    left, top = from_x.floor(), from_y.floor()
    beside, below = from_x - left, from_y - top
    flat = (images - background).permute(0, 2, 3, 1).reshape(count * height * width, channels)
    first = (torch.arange(count, device=images.device) * height * width)[:, None, None]
    result = torch.zeros(count, height, width, channels, device=images.device, dtype=images.dtype)
    for step_y, weight_y in ((0, 1 - below), (1, below)):
        for step_x, weight_x in ((0, 1 - beside), (1, beside)):
            row, column = top + step_y, left + step_x
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            places = first + (row.clamp(0, height - 1) * width + column.clamp(0, width - 1)).long()
            weight = (weight_y * weight_x * inside).to(images.dtype)
            result = result + weight[..., None] * flat[places.reshape(-1)].view(count, height, width, channels)
    return result.permute(0, 3, 1, 2) + background


def recolored(images: Images, lighter: Tensor, contrast: Tensor) -> Images:
    """Returns images with their contrast about their own mean multiplied, and their brightness moved."""
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return (images - mean) * contrast[:, None, None, None] + mean + lighter[:, None, None, None]


def allows_flips(images: UInt8[Tensor, "n c h w"]) -> bool:
    """Returns whether mirrored images look like the data: whether they are about as near to other images as themselves.

    A sample of images is compared with up to 2,000 others. The medians of the distances to the nearest one decide.

    Args:
        images: the training images.
    """
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(derived_seed(0, "flips")))
    sample = images[order[:FLIP_SAMPLE]].flatten(2).float()
    others = images[order[FLIP_SAMPLE : FLIP_SAMPLE + 2000]].flatten(1).float()
    if len(others) < 20:
        others = images[order].flatten(1).float()
    mirrored = images[order[:FLIP_SAMPLE]].flip(3).flatten(1).float()

    def nearest(queries: Tensor) -> float:
        distances = torch.cdist(queries, others)
        return distances.masked_fill(distances == 0, math.inf).min(dim=1).values.median().item()

    own = nearest(sample.flatten(1))
    return own > 0 and nearest(mirrored) <= FLIP_RATIO * own
