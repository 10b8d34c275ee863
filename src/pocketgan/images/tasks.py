"""Tasks of image-to-image translation: what makes a pair of input and target from one image.

Everything here works on uint8 images [0, 255], (N, C, H, W). Random tasks take their numbers from the generator that
the caller passes, so that the same seed gives the same pairs.
"""

import colorsys
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import UInt8
from torch import Tensor
from torch.nn import functional

from pocketgan.config.data_section import DataConfig
from pocketgan.config.translating import task_of
from pocketgan.images.seeds import derived_seed

Images = UInt8[Tensor, "n c h w"]
NOISE = 0.3
"""Standard deviation of the noise of `denoise`, where 1 is white."""
FACTOR = 2
"""Factor by which `upscale` lowers the resolution."""
HIDDEN, HIDDEN_LEVEL = 1 / 2, 128
"""Side of the square that `inpaint` hides, as a share of the image's side, and its gray level."""
EDGE = 32.0
"""Gradient, in levels per pixel, from which a pixel belongs to an edge."""
HUES, TURN = 10, 0.618
"""Number of evenly spaced hues of classes; each further round is turned by a part of the circle."""


@dataclass(frozen=True)
class Pairs:
    """Inputs and their targets.

    Attributes:
        inputs, targets: uint8 [0, 255], (N, C, H, W), of the same shape.
        matched: whether each target is that of its input; without pairs, targets are any images of the target domain.
        classes: of the inputs and of the targets, int64 (N,) each, for a discriminator that receives them; or None. In
            translation between classes, the first ones are requested of the generator.
    """

    inputs: Images
    targets: Images
    matched: bool = True
    classes: tuple[Tensor, Tensor] | None = None

    def __len__(self) -> int:
        return len(self.inputs)


Make = Callable[[Images, Tensor | None, torch.Generator], Pairs]


def floats(images: Images) -> Tensor:
    """Returns images as float32, still from 0 to 255."""
    return images.to(torch.float32)


def levels(values: Tensor) -> Images:
    """Returns float images from 0 to 255 as uint8, clamped and rounded."""
    return values.clamp(0, 255).round().to(torch.uint8)


def unchanged(images: Images, labels: Tensor | None, random: torch.Generator) -> Pairs:
    """The image itself is input and target."""
    return Pairs(images, images)


def invert(images: Images, labels: Tensor | None, random: torch.Generator) -> Pairs:
    """The target is 255 − x: dark on white."""
    return Pairs(images, 255 - images)


def denoise(images: Images, labels: Tensor | None, random: torch.Generator) -> Pairs:
    """The input has Gaussian noise with a standard deviation of 0.3, where 1 is white."""
    noise = torch.randn(images.shape, generator=random, device=images.device)
    return Pairs(levels(floats(images) + 255 * NOISE * noise), images)


def upscale(images: Images, labels: Tensor | None, random: torch.Generator) -> Pairs:
    """The input has half the resolution: each 2×2 pixels are replaced by their mean."""
    small = functional.avg_pool2d(floats(images), FACTOR, ceil_mode=True)
    size = images.shape[2:]
    return Pairs(levels(functional.interpolate(small, scale_factor=FACTOR)[..., : size[0], : size[1]]), images)


def inpaint(images: Images, labels: Tensor | None, random: torch.Generator) -> Pairs:
    """The input has a gray square of half the side, a quarter of the area, at a random place."""
    height, width = images.shape[2:]
    side_y, side_x = int(height * HIDDEN), int(width * HIDDEN)
    draws = torch.rand(2, len(images), generator=random, device=images.device)
    top = (draws[0] * (height - side_y + 1)).long()[:, None]
    left = (draws[1] * (width - side_x + 1)).long()[:, None]
    rows, columns = (torch.arange(side, device=images.device)[None] for side in (height, width))
    hidden_rows, hidden_columns = (rows >= top) & (rows < top + side_y), (columns >= left) & (columns < left + side_x)
    hidden = (hidden_rows[:, :, None] & hidden_columns[:, None, :])[:, None]
    return Pairs(torch.where(hidden, torch.full_like(images, HIDDEN_LEVEL), images), images)


def colorize(images: Images, labels: Tensor | None, random: torch.Generator) -> Pairs:
    """The input is the luminance in all channels; gray images get the color of their class first.

    Without classes, the hue of gray images runs from the top to the bottom. Luminance is that of ITU-R BT.601.
    """
    plain = (images == images[:, :1]).flatten(1).all(dim=1)[:, None, None, None]
    if bool(plain.all()):
        return Pairs(images, tinted(images, labels))
    weights = torch.tensor([0.299, 0.587, 0.114], device=images.device).view(1, 3, 1, 1)
    gray = levels((floats(images) * weights).sum(dim=1, keepdim=True))
    gray = torch.where(plain, images, gray.expand_as(images))
    return Pairs(gray, torch.where(plain, tinted(images, labels), images) if bool(plain.any()) else images)


def tinted(images: Images, labels: Tensor | None) -> Images:
    """Returns gray RGB images in color: black stays black, and the largest channel stays as bright as the image."""
    if labels is None:
        hues = torch.linspace(0, 0.8, images.shape[2])
        colors = torch.tensor([colorsys.hsv_to_rgb(hue, 1.0, 1.0) for hue in hues.tolist()])
        tint = colors.t().view(1, 3, -1, 1).to(images.device)
    else:
        hues = [(index / HUES + index // HUES * TURN) % 1 for index in range(int(labels.max()) + 1)]
        colors = torch.tensor([colorsys.hsv_to_rgb(hue, 1.0, 1.0) for hue in hues])
        tint = colors.to(images.device)[labels].view(-1, 3, 1, 1)
    return levels(floats(images) * tint)


def edges(images: Images, labels: Tensor | None, random: torch.Generator) -> Pairs:
    """The input is the outline: white where the gradient (Sobel) of the brightness is steep."""
    gray = floats(images).mean(dim=1, keepdim=True)
    across = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]], device=images.device) / 8
    kernels = torch.stack([across, across.t()])[:, None]
    slopes = functional.conv2d(functional.pad(gray, (1, 1, 1, 1), mode="replicate"), kernels)
    lines = (slopes.square().sum(dim=1, keepdim=True).sqrt() >= EDGE).to(torch.uint8) * 255
    return Pairs(lines.expand_as(images).contiguous(), images)


def thicken(images: Images, labels: Tensor | None, random: torch.Generator) -> Pairs:
    """The target has strokes that are a pixel thicker on each side: the brightest of each 3×3 pixels."""
    return Pairs(images, thickened(images))


def thickened(images: Images) -> Images:
    """Returns the brightest of each 3×3 pixels (dilation)."""
    return functional.max_pool2d(floats(images), 3, stride=1, padding=1).to(torch.uint8)


def bicubic(images: Images) -> Images:
    """Returns the inputs of `upscale`, enlarged by a bicubic filter instead."""
    small = floats(images)[..., ::FACTOR, ::FACTOR]
    size = list(images.shape[2:])
    return levels(functional.interpolate(small, size, mode="bicubic", align_corners=False))


def median(images: Images) -> Images:
    """Returns the median of each 3×3 pixels."""
    n, c, height, width = images.shape
    padded = functional.pad(floats(images), (1, 1, 1, 1), mode="replicate")
    patches = functional.unfold(padded, 3).view(n, c, 9, height, width)
    return patches.median(dim=2).values.to(torch.uint8)


TASKS: dict[str, Make] = {
    "none": unchanged,
    "invert": invert,
    "denoise": denoise,
    "upscale": upscale,
    "inpaint": inpaint,
    "colorize": colorize,
    "edges": edges,
    "thicken": thicken,
}
CLOSED_FORMS: dict[str, Callable[[Images], Images]] = {
    "invert": lambda images: 255 - images,
    "upscale": bicubic,
    "denoise": median,
    "thicken": thickened,
}
"""What solves a task without learning: exactly (`invert`, `thicken`), or as a usual filter does."""
RANDOM = ("denoise", "inpaint")
"""Tasks that draw random numbers."""


def pairs_of(
    data: DataConfig, images: Images, inputs: Images | None, labels: Tensor | None, random: torch.Generator
) -> Pairs:
    """Returns the pairs of a batch of images.

    Args:
        data: the data's settings.
        images: the images of the data; of a folder of pairs, the targets.
        inputs: the inputs of a folder of pairs; None for other data.
        labels: the classes, int64 (N,), or None.
        random: the source of random numbers, on the images' device.
    """
    if inputs is not None:
        return Pairs(inputs, images)
    return TASKS[task_of(data)](images, labels, random)


def batch_random(seed: int, position: int, device: torch.device) -> torch.Generator:
    """Returns the source of random numbers for the batch at a position of a run with a seed."""
    return torch.Generator(device).manual_seed(derived_seed(seed, "task", position))


def judged(data: DataConfig, images: Images) -> UInt8[Tensor, "n k h w"]:
    """Returns outputs or targets in the manner that feature spaces know: dark on white is inverted back.

    MNIST's digits in color are judged by their brightest channel, which is the gray digit.
    """
    task = task_of(data)
    if task == "invert":
        return 255 - images
    if task == "colorize" and data.data == "mnist":
        return images.amax(dim=1, keepdim=True)
    return images
