"""Paths between latents: along great circles, as the latents of a normal distribution lie near a sphere."""

import torch
from jaxtyping import Float
from torch import Tensor

FLAT = 1e-6
"""Sine of the angle below which two directions are taken as the same, or as opposite."""


def slerp(
    first: Float[Tensor, "latent"], second: Float[Tensor, "latent"], shares: Float[Tensor, "n"]
) -> Float[Tensor, "n latent"]:
    """Spherical linear interpolation (Shoemake 1985, section 3.3), the length along a straight line.

    With Ω the angle between the unit vectors p and q of both latents, the direction at share t is
    slerp(p, q; t) = sin((1 − t) Ω) / sin Ω · p + sin(t Ω) / sin Ω · q, and the length is (1 − t) ‖first‖ + t ‖second‖.
    A straight line instead would pass through latents that are shorter than any that the generator was trained on.

    Args:
        first, second: where the path begins and ends.
        shares: how far along it, in [0, 1].

    Returns:
        A latent for each share. Where the latents have the same or opposite directions, which leaves no circle or too
        many, they lie on the straight line.
    """
    p, q, t = first.double(), second.double(), shares.double()[:, None]
    lengths = p.norm(), q.norm()
    line = (1 - t) * p + t * q
    if min(lengths) == 0:
        return line.to(first.dtype)
    p, q = p / lengths[0], q / lengths[1]
    cosine = (p @ q).clamp(-1, 1)
    angle, sine = cosine.arccos(), (1 - cosine.square()).sqrt()
    if sine < FLAT:
        return line.to(first.dtype)
    direction = (((1 - t) * angle).sin() * p + (t * angle).sin() * q) / sine
    return (direction * ((1 - t) * lengths[0] + t * lengths[1])).to(first.dtype)


def path(stops: Float[Tensor, "stops latent"], frames: int) -> Float[Tensor, "n latent"]:
    """Returns the latents of a walk from each stop to the next, and from the last back to the first, without its end.

    Args:
        stops: two latents at least.
        frames: latents from a stop to the next, both included; 2 at least.

    Returns:
        stops · (frames − 1) latents; stop k is at k · (frames − 1).
    """
    shares = torch.linspace(0, 1, frames, dtype=torch.float64)[:-1]
    legs = []
    for place, stop in enumerate(stops):
        leg = slerp(stop, stops[(place + 1) % len(stops)], shares)
        leg[0] = stop
        legs.append(leg)
    return torch.cat(legs)
