"""How many seeds a study needs, before its first run. No SciPy here: every command reads this.

With 5 seeds the smallest p-value of a paired permutation test is 1/16 (`smallest_p_value`): 5 seeds can't show any
difference at 0.05, however large it is; a single comparison takes 6, and more comparisons take more (`fewest_seeds`,
`default_seeds`).
"""


def smallest_p_value(seeds: int) -> float:
    """The p-value of differences whose signs are all alike, 2 / 2**seeds: 1/16 for 5 seeds, 1/32 for 6."""
    if seeds < 1:
        raise ValueError(f"seeds: {seeds}; it takes 1 or more")
    return 2.0 ** (1 - seeds)


def fewest_seeds(comparisons: int, level: float = 0.05) -> int:
    """The fewest seeds with which so many comparisons can show any difference in the first step of `holm`."""
    check_share("level", level)
    if comparisons < 1:
        raise ValueError(f"comparisons: {comparisons}; it takes 1 or more")
    seeds = 1
    while smallest_p_value(seeds) * comparisons > level:
        seeds += 1
    return seeds


def default_seeds(comparisons: int, level: float = 0.05) -> int:
    """The fewest seeds that show a difference of 3 standard deviations with a probability of 0.9 or more.

    That is `fewest_seeds` up to 6, and one more above. Of the standard deviation over the seeds of each variant, whose
    figures are taken to be normal and, the worst case, independent: differences have the mean 3σ and the standard
    deviation √2 σ. Shown means by the exact test in the first step of `holm`. Found by 400,000 simulated studies for
    each n from 4 to 18: with the fewest seeds, which need all signs alike, the probability Φ(3/√2)**n is 0.903 at n = 6
    and 0.888 at 7; with one more, when the smallest difference may have the other sign, it is 0.972 at n = 8, 0.935 at
    13, and 0.9 or more up to 16 seeds, 819 comparisons at 0.05.
    """
    fewest = fewest_seeds(comparisons, level)
    return fewest if fewest <= 6 else fewest + 1


def check_share(name: str, share: float) -> None:
    """Raises `ValueError` unless a share lies between 0 and 1."""
    if not 0 < share < 1:
        raise ValueError(f"{name}: {share}; it takes a number between 0 and 1")
