"""Differentiable augmentation of both real and generated images (Zhao et al. 2020, "DiffAugment").

Each image gets its own random numbers, from the generator that the caller passes. Strengths follow the paper's official
settings: translation by up to 1/8 of the side, cutout of a square of half the side. Rotation, which the paper doesn't
have, is by up to 15 degrees.
"""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from pocketgan.config.data_section import split

Images = Float[Tensor, "n c h w"]

TRANSLATION = 1 / 8
ROTATION_DEGREES = 15.0
CUTOUT = 1 / 2


def _uniform(count: int, images: Images, generator: torch.Generator) -> Tensor:
    return torch.rand(count, len(images), generator=generator, device=images.device)


def translation(images: Images, background: float, generator: torch.Generator) -> Images:
    """Shifts each image by whole pixels, up to 1/8 of the side in each direction; `background` fills the gaps."""
    n, _, height, width = images.shape
    reach_y, reach_x = max(1, int(height * TRANSLATION)), max(1, int(width * TRANSLATION))
    draws = _uniform(2, images, generator)
    shift_y = (draws[0] * (2 * reach_y + 1)).long()
    shift_x = (draws[1] * (2 * reach_x + 1)).long()
    padded = functional.pad(images, (reach_x, reach_x, reach_y, reach_y), value=background)
    rows = (torch.arange(height, device=images.device) + shift_y[:, None])[:, :, None]
    columns = (torch.arange(width, device=images.device) + shift_x[:, None])[:, None, :]
    batch = torch.arange(n, device=images.device)[:, None, None]
    return padded.permute(0, 2, 3, 1)[batch, rows, columns].permute(0, 3, 1, 2)


def rotation(images: Images, background: float, generator: torch.Generator) -> Images:
    """Rotates each image about its center by up to 15 degrees either way, bilinearly; `background` fills the gaps."""
    angle = (2 * _uniform(1, images, generator)[0] - 1) * math.radians(ROTATION_DEGREES)
    cosine, sine, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    matrix = torch.stack([cosine, -sine, zero, sine, cosine, zero], dim=1).view(-1, 2, 3)
    grid = functional.affine_grid(matrix, list(images.shape), align_corners=False)
    turned = functional.grid_sample(images - background, grid, mode="bilinear", align_corners=False)
    return turned + background


def cutout(images: Images, background: float, generator: torch.Generator) -> Images:
    """Covers a square of half the side at a random position in each image with `background`."""
    _, _, height, width = images.shape
    draws = _uniform(2, images, generator)
    middle_y, middle_x = draws[0] * height, draws[1] * width
    far_y = (torch.arange(height, device=images.device) + 0.5 - middle_y[:, None]).abs() > CUTOUT * height / 2
    far_x = (torch.arange(width, device=images.device) + 0.5 - middle_x[:, None]).abs() > CUTOUT * width / 2
    remaining = (far_y[:, :, None] | far_x[:, None, :])[:, None]
    return torch.where(remaining, images, torch.full_like(images, background))


AUGMENTATIONS: dict[str, Callable[[Images, float, torch.Generator], Images]] = {
    "translation": translation,
    "rotation": rotation,
    "cutout": cutout,
}


def augment(images: Images, names: str, background: float, generator: torch.Generator) -> Images:
    """Applies the augmentations of a comma-separated list in order; `none` returns the images unchanged.

    Args:
        images: float images in the networks' pixel range.
        names: keys of `AUGMENTATIONS`, separated by commas.
        background: the pixel value for uncovered areas.
        generator: source of the random numbers, on the images' device.
    """
    if names == "none":
        return images
    for name in split(names):
        images = AUGMENTATIONS[name](images, background, generator)
    return images
