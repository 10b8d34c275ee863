"""Messages about races, by key; `messages.PROBLEMS` has them all."""

from typing import Final

RACES: Final[dict[str, str]] = {
    "no entrant": "there is no entrant '{name}'{hint}; known: {known}, or a file such as my_gan.py",
    "no entrant in file": "there is no '{name}' in '{file}'; define a class or a function with this name",
    "not an entrant": "'{name}' isn't an entrant: {why}",
    "entrant lacks": "it has no attribute '{missing}'",
    "entrant part": "its attribute '{part}' must be a torch.nn.Module (got {kind})",
    "entrant batch": "its batch_size must be a whole number of at least 1 (got {found})",
    "entrant values": "its step must return a dict of values to log (got {kind})",
    "entrant value": "its step must return one number for '{value}' (got {found})",
    "no samplers": "its samplers must be a dict with at least one function",
    "entrants twice": "two entrants are called '{name}'; leave one out",
    "too few entrants": "needs at least two entrants (got {count})",
    "duration of a race": "must be in time, such as '10 s' or '1 min' (got '{text}')",
    "durations twice": "'{text}' is there twice",
    "no race folder": "'{folder}' isn't the folder of a race: it has no race.json",
    "other race": "'{folder}' holds a race with another {setting} ({old} -> {new}); choose another folder",
    "images of an entrant": "its sampler '{way}' must return float images {expected} (got {found})",
    "too few in a race": (
        "has {found} real images to compare with; a race needs {least}: a split of that size, or {all} images without "
        "one"
    ),
    "no step in time": (
        "it made no step: the {seconds} s of training passed while its networks were built; set a longer --for"
    ),
    "training diverged": "a value that it logged isn't finite: {name}",
}
"""Messages about races."""
