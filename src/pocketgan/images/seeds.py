"""Seeds for everything random, derived from the run's seed."""

import hashlib


def derived_seed(seed: int, *names: str | int) -> int:
    """Returns a seed in [0, 2**63) for one named use of `seed`; different names give independent seeds."""
    text = ":".join(str(part) for part in (seed, *names))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1
