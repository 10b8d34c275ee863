"""Number of seeds that a study needs, known before its first run. Doesn't import SciPy: every command imports this.

With 5 seeds, the smallest p-value of a paired permutation test is 1/16 (`smallest_p_value`). Five seeds therefore can't
show any difference at 0.05, however large it is. A single comparison needs 6 seeds, and more comparisons need more
(`fewest_seeds`, `default_seeds`).
"""


def smallest_p_value(seeds: int) -> float:
    """Returns the p-value if all differences have the same sign, 2 / 2**seeds: 1/16 for 5 seeds, 1/32 for 6."""
    if seeds < 1:
        raise ValueError(f"seeds: {seeds}; expected 1 or more")
    return 2.0 ** (1 - seeds)


def fewest_seeds(comparisons: int, level: float = 0.05) -> int:
    """Returns the fewest seeds with which this number of comparisons can pass the first step of `holm`."""
    check_share("level", level)
    if comparisons < 1:
        raise ValueError(f"comparisons: {comparisons}; expected 1 or more")
    seeds = 1
    while smallest_p_value(seeds) * comparisons > level:
        seeds += 1
    return seeds


def default_seeds(comparisons: int, level: float = 0.05) -> int:
    """Returns the fewest seeds that show a difference of 3 standard deviations with a probability of at least 0.9.

    This is `fewest_seeds` if that is at most 6, and one seed more otherwise. The standard deviation σ is that of each
    variant's scores over seeds. The scores are taken to be normal and, as the worst case, independent, so their
    differences have mean 3σ and standard deviation √2 σ. A difference counts as shown if it passes the exact test in
    the first step of `holm`.

    The rule comes from 400,000 simulated studies for each n from 4 to 18. With the fewest seeds, all signs must agree,
    which has probability Φ(3/√2)**n: 0.903 at n = 6 and 0.888 at n = 7. With one seed more, the smallest difference may
    have the other sign. The probability is then 0.972 at n = 8 and 0.935 at n = 13. It is at least 0.9 up to 16 seeds,
    enough for 819 comparisons at 0.05.
    """
    fewest = fewest_seeds(comparisons, level)
    return fewest if fewest <= 6 else fewest + 1


def check_share(name: str, share: float) -> None:
    """Raises `ValueError` unless a share is strictly between 0 and 1."""
    if not 0 < share < 1:
        raise ValueError(f"{name}: {share}; expected a number between 0 and 1")
