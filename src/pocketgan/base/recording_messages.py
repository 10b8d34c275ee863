"""Messages about runs that are recorded from one's own training loop, by key; `messages.PROBLEMS` has them all."""

from typing import Final

RECORDINGS: Final[dict[str, str]] = {
    # Arguments of `record`.
    "sample not callable": "must be a function of count and seed that returns images (got {kind})",
    "sample arguments": "must accept the arguments {needed} ({place} accepts {found})",
    "recorded while loaded": "the loop must be under if __name__ == '__main__':, because --code runs the file",
    "setting value": "'{name}' must be a number, a text, true or false (got {kind})",
    "run name": ("must begin with a letter or a digit, and hold only letters, digits, '.', '-' and '_' (got '{name}')"),
    "boundary value": "must be a finite number, or None for critics (got {value})",
    "folder holds a run": "'{folder}' already holds a run; choose another folder",
    "not entered": "use the recorder in a with statement: with pocketgan.record(...) as run",
    "with has ended": "the recorder's with statement has ended; call step inside it",
    "entered twice": "a recorder records one run; call pocketgan.record again",
    "not a module object": "must be a torch.nn.Module (got {kind})",
    "range of generator": "a saved generator needs '-1:1' or '0:1', the range that it returns (got '{value}')",
    "generator of images": "a generator that reads images can't be saved; leave generator out",
    "latents unknown": "is missing: it is the length of the noise vector that the saved generator reads",
    "generator of torch": "is PyTorch's {kind}, whose layers no later command can know; write a class for it",
    "not rebuilt": "can't be built again from '{name}': {why}; give the constructor's arguments in generator_options",
    # What `sample` returns.
    "sample kind": "returns something other than an array of numbers: {kind} ({place})",
    "sample count": "returns {found} images for {count} ({place})",
    "sample shape": "returns an array of shape {shape}; images of this data are {expected} ({place})",
    "sample type": "returns {type}, but pixel_range is '{range}' ({place})",
    "sample not finite": "returns values that aren't finite, at step {step} ({place})",
    "sample outside": (
        "returns values from {low} to {high} at step {step}, outside pixel_range '{range}' ({place}); "
        "change pixel_range, or what the function returns"
    ),
    # What `step` gets.
    "step images": "must be the number of real images of this step (got {value})",
    "step value": "must be a number or an array of numbers (got {kind})",
    "step column": "is written by the recorder; use another name",
    # What a recorded run can't do.
    "recorded, no resume": (
        "'{folder}' was recorded from your own training loop, and only that loop can continue it; start it again "
        "in another folder"
    ),
    "recorded, no training": (
        "'{folder}' was recorded from your own training loop, which no command can start; run its script again"
    ),
    "recorded, no generator": (
        "'{folder}' was recorded without its generator; pass generator= to pocketgan.record to save it"
    ),
    "recorded, not saved yet": "'{folder}' has no generator yet; it is saved at each evaluation",
    "recorded, no layers": "'{folder}' was recorded from your own training loop, which has networks of its own",
    # Ends of recorded runs.
    "loop failed": "the training loop failed: {why}",
    "loop exited": "the training loop ended with exit code {code}",
    "recording interrupted": "'{folder}' is saved at step {step}",
}
"""All messages about recorded runs, by key."""
