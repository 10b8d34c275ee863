"""Paths between latents, along great circles, since normally distributed latents lie near a sphere."""

import torch
from jaxtyping import Float
from torch import Tensor

FLAT = 1e-6
"""Two directions count as equal or opposite if the sine of their angle is below this."""


def slerp(
    first: Float[Tensor, "latent"], second: Float[Tensor, "latent"], shares: Float[Tensor, "n"]
) -> Float[Tensor, "n latent"]:
    """Spherical linear interpolation of directions (Shoemake 1985, section 3.3), and linear interpolation of lengths.

    With Ω the angle between the unit vectors p and q of both latents, the direction at share t is
    slerp(p, q; t) = sin((1 − t) Ω) / sin Ω · p + sin(t Ω) / sin Ω · q, and the length is (1 − t) ‖first‖ + t ‖second‖.
    A straight line would instead pass through latents that are shorter than any in training.

    Args:
        first, second: the ends of the path.
        shares: positions along the path, in [0, 1].

    Returns:
        A latent for each share, on the straight line if the latents have the same direction or opposite ones: then the
        great circle isn't unique.
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
    """Returns latents that pass through all stops and return to the first, which isn't repeated at the end.

    Args:
        stops: at least two latents.
        frames: latents from one stop to the next, including both; at least 2.

    Returns:
        stops · (frames − 1) latents; stop k is at index k · (frames − 1).
    """
    shares = torch.linspace(0, 1, frames, dtype=torch.float64)[:-1]
    legs = []
    for place, stop in enumerate(stops):
        leg = slerp(stop, stops[(place + 1) % len(stops)], shares)
        leg[0] = stop
        legs.append(leg)
    return torch.cat(legs)
