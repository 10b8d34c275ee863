"""Messages about studies, by key; `messages.PROBLEMS` has them all."""

from typing import Final

STUDIES: Final[dict[str, str]] = {
    "no study given": "must be the name of a study, a file, a StudyConfig or a dict (got {kind})",
    # Fields of a study.
    "no study field": "isn't a field of a study{hint}",
    "seed of studies": "isn't a field of a study; first_seed is the first of its seeds, and seeds their number",
    "setting beside fields": (
        "isn't a field of the study but a setting of its runs; write it under [settings], or under [factors] to "
        "compare its values"
    ),
    "not in a grid": "isn't for a grid of all combinations; set search = 'tpe', or leave it out",
    "not in a search": "isn't possible in a search: its trials have one seed each and aren't compared; leave it out",
    "study fields": "; fields: {known}",
    "low below high": "low must be below high (got {low} and {high})",
    "logarithmic range": "a logarithmic range must start above 0 (got {low})",
    "factors or variants": "give factors or variants, not both",
    "nothing to compare": "there is nothing to compare; give factors or variants",
    "tpe needs factors": "'tpe' needs factors, such as learning_rate = {example}",
    "range in a grid": "{setting} is a range; a grid needs a list of values (ranges are for search = 'tpe')",
    "no values": "{setting} has no values; give at least two",
    "same value twice": "{setting} has the same value twice: {values}",
    "too many combinations": (
        "{count} combinations are too many (at most {most}); use fewer values, or search = 'tpe'"
    ),
    "no direction": (
        "'{metric}' is best where real images are, neither lower nor higher; set 'lower' or 'higher', or choose "
        "another metric"
    ),
    "name twice": "'{name}' is there twice; give each variant its own name",
    "same runs": "'{twin}' and '{name}' are the same runs; leave one out",
    "names alike": "two names differ only in punctuation or capitals, so their folders would be the same",
    "no variant": "there is no variant '{name}'{hint}; known: {known}",
    "in variant": "variant '{name}': {why}",
    "no setting of a variant": "'{setting}' isn't a setting{hint}",
    "duration replaced": "'{duration}' would replace the durations that the variants set",
    "moment too late": "{moment} is not before the end of '{name}', which trains {steps} steps",
    "best needs evaluation": "'best' needs runs that are evaluated; set evaluate_every for '{name}'",
    # Studies over scripts.
    "decided by the script": "can't be set in a study with a command; the script decides it",
    "seed of scripts": "'seed' can't be a setting of a study; each run gets a seed of its own",
    "unused setting": "'{setting}' would have no effect: {placeholder} isn't in the command",
    "no seed in command": "needs {placeholder}; without a seed, all runs of a variant would be the same",
    "unknown placeholder": "{placeholder} is neither a factor nor a setting{hint}",
    "no program": "there is no program '{name}'",
    "no script": "there is no file '{name}' in '{folder}', where the study was started",
    "script failed": "the script ended with exit code {code}: {why}",
    "script failed silently": "the script ended with exit code {code}",
    "script ended from outside": "a signal ended the script '{name}' (its output is in '{folder}')",
    "nothing recorded": (
        "the script '{name}' recorded nothing; call pocketgan.record without a folder, and step in each step"
    ),
    "recording not ended": "the script '{name}' ended inside the with statement of pocketgan.record",
    "never evaluated": "the run has no evaluation with {metric}; set evaluate_every in pocketgan.record",
    # Files and folders of a study.
    "no study": "there is no study '{name}'{hint}; known: {known}, or a .toml file",
    "no toml": "'{path}' isn't valid TOML: {why}",
    "no study folder": (
        "'{folder}' isn't the folder of a study: it has no study.json; 'pocketgan study NAME --out DIR' creates one"
    ),
    "study folder gone": "'{folder}' doesn't exist; 'pocketgan study NAME --out DIR' creates one",
    "no study inside": "'{folder}' isn't empty and holds no study; choose another folder",
    "other study": (
        "'{folder}' holds the study '{name}' with other settings ({setting}: {old} -> {new}); choose another folder"
    ),
    "smaller study": "must be at least the {old} of the study in '{folder}' (got {new})",
    "recipes changed": "the recipes of the study in '{folder}' have changed since it began; choose another folder",
    "other settings": "'{folder}' was started with other settings ({changed}); move it away",
    # Processes and clusters.
    "number of jobs": "must be a number from 1 up, or 'auto' for one per core (got '{value}')",
    "processes killed": (
        "processes were killed {count} times, perhaps because memory ran out; continue with the same command and "
        "--jobs 1, which needs less"
    ),
    "no ray": "'ray' isn't installed; pip install ray",
    "no cluster": (
        "there is no Ray cluster at '{address}' ({why}); start one with 'ray start --head', or set RAY_ADDRESS"
    ),
    "no host and port": "must be host:port",
    "ray failed": "Ray gave up on a run: {why}",
    # Search.
    "no optuna": "Optuna isn't installed; pip install optuna",
    "search needs evaluation": "needs runs that are evaluated; set evaluate_every, such as '30 s', in settings",
    "metric not in training": "'{metric}' isn't computed during training; known: {known}",
    "no storage": "can't use '{url}': {why}",
    "search minimizes": (
        "the search in '{url}' minimizes {metric}, and this one maximizes it; use another folder, or set "
        "direction = 'lower'"
    ),
    "search maximizes": (
        "the search in '{url}' maximizes {metric}, and this one minimizes it; use another folder, or set "
        "direction = 'higher'"
    ),
    "no finite value": "not finite",
    "pruned": "after {count} evaluations",
}
"""Messages about studies."""
