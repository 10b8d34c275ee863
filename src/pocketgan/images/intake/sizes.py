"""The side of the images that the networks see, chosen from the sizes that the pictures have."""

from collections.abc import Mapping
from statistics import median

SIDES = (16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128)
"""Sides that convolutional networks take: 4 to 8 pixels, doubled some times."""
USUAL = (16, 28, 32, 64)
"""Sides among which that of mixed or large pictures is chosen."""
LARGEST = SIDES[-1]


def choose_side(sizes: Mapping[tuple[int, int], int]) -> int | None:
    """Returns the side to which pictures are fitted; None where they can stay as they are.

    Square pictures of one size up to 128×128 stay. Others get the largest usual side that is no larger than the median
    of their shorter sides.

    Args:
        sizes: the number of pictures of each size (width, height).
    """
    if len(sizes) == 1:
        width, height = next(iter(sizes))
        if width == height <= LARGEST:
            return None
    shorter = median([min(size) for size, count in sizes.items() for _ in range(count)])
    return max([side for side in USUAL if side <= shorter], default=USUAL[0])


def nearest_sides(side: int) -> tuple[int, ...]:
    """Returns the sides that convolutional networks take around a side that they don't: at most one on each side."""
    below = [one for one in SIDES if one < side][-1:]
    above = [one for one in SIDES if one > side][:1]
    return tuple(below + above)


def in_words(sizes: Mapping[tuple[int, int], int]) -> str:
    """Returns sizes for a message: `28×28`, or `20×31 to 400×300` for several."""
    ordered = sorted(sizes, key=lambda size: size[0] * size[1])
    first, last = ("×".join(map(str, size)) for size in (ordered[0], ordered[-1]))
    return first if first == last else f"{first} … {last}"
