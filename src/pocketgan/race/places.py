"""Names of entrants. Doesn't import torch."""

from pathlib import Path

NAMES = ("pocket", "dcgan", "student-dcgan", "rectified-flow", "drifting", "vae", "diffusion")
"""The entrants of the package; `entrants.ENTRANTS` has their classes."""


def entrant_name(entrant: str) -> str:
    """Returns the name of an entrant in tables: its own, or that of its file (and class): `my_gan`, `my_gan.MyGAN`."""
    file, _, attribute = entrant.rpartition(":") if ".py:" in entrant else (entrant, "", "")
    if not file.endswith(".py"):
        return entrant
    return f"{Path(file).stem}.{attribute}" if attribute else Path(file).stem
