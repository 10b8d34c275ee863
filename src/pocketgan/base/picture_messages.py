"""Messages about pictures, animations and plots, by key; `messages.PROBLEMS` has them all."""

from typing import Final

PICTURES: Final[dict[str, str]] = {
    # Files of images.
    "no picture written": "can't write '{out}': {why}",
    "no class names": "these images were generated without classes, so there are no names; leave --labels out",
    "other pictures": (
        "'{folder}' holds {count} other pictures of an earlier call, such as '{name}'; choose another folder"
    ),
    "ending of images": "must end in '.jpg', '.png' or '.npz', or be a folder (got '{out}')",
    "scale of arrays": "'{out}' holds images in their own size; leave --scale out, or write a '.png'",
    "grids only": "'{out}' holds single images without a grid around them; leave --theme out, or write a '.png'",
    "out is a folder": "'{out}' is a folder; choose another name",
    "scale from one": "must be a whole number from 1 up (got {scale})",
    "too large at scale one": "must be smaller: even at scale 1 the picture has {width}×{height} pixels",
    "scale too large": (
        "must be at most {low} (got {scale}: a picture of {width}×{height} pixels, and at most {most} in all and "
        "{side} per side are possible)"
    ),
    # Latents.
    "latents shape": "must be finite numbers of shape (N, {latent_dim}) (got {found})",
    "latents not finite": "must be finite numbers; there are infinite ones, or NaN",
    "no latents in file": "'{path}' has no array 'latents' (it has: {known})",
    "no array file": "'{path}' isn't an .npy or .npz file of numbers",
    "truncation above zero": "must be above 0 (got {value})",
    "truncated latents": "can't be combined with latents; truncate them yourself",
    "one for each image": "must have one entry for each of {count} images (got {found})",
    # Animations.
    "ending of animation": "must end in '.png', '.gif', '.webp' or '.mp4' (got '{out}')",
    "single frame": "'{out}' is an animation and needs two frames, and there is one; write a '.png'",
    "frame rate": "must be from {least} to {most} frames per second (got {fps})",
    "no ffmpeg": "'{out}' needs ffmpeg, and none is on the PATH; install ffmpeg, or write {other}",
    "no ffmpeg started": "can't write '{path}': ffmpeg doesn't start: {why}",
    "ffmpeg failed": "ffmpeg can't write '{path}': {why}; write a '.gif' or a '.webp'",
    "exit code": "it ended with code {code}",
    "frames in memory": "must be at most {most} for pictures of this size (got {frames})",
    "too few samples": (
        "an animation needs two readable sample pictures, and '{folder}' has {count}; train with --sample-every '20 s' "
        "for more"
    ),
    # Interpolation and latent directions.
    "nothing to interpolate": "'{folder}' translates images and reads no noise, so there is nothing to interpolate",
    "seeds to interpolate": "an interpolation needs 2 to {most} seeds that aren't all the same (got {known})",
    "one seed twice": "must be another seed than the first (got {seed} for both)",
    "steps along directions": "must be at most {most} numbers, one for each direction (got {found})",
    "run named twice": "'{folder}' is named twice; name each run once",
    "too many frames": (
        "{frames} frames between each two of {count} seeds, {rows} images each, are too many; use at most {most}"
    ),
    "too many seeds": (
        "{frames} frames between each two of {count} seeds, {rows} images each, are too many; use fewer seeds, or one "
        "--label"
    ),
    "no directions": "'{folder}' translates images and reads no noise, so it has no latent directions",
    "other latent space": "belong to another latent space than that of '{folder}'",
    # Texts in generated images.
    "written": "'{text}' in images of '{folder}', with seed {seed}",
    "written from candidates": (
        "selected from {count} images of '{folder}' (seed {seed}), with the probability that the classifier gives each "
        "digit: {certainty}"
    ),
    "no characters": "'{folder}' translates images and reads no noise, so it can't generate characters",
    "no classes to recognize": (
        "'{folder}' is unconditional, and only MNIST's digits can be recognized without classes; use a run that was "
        "trained with --conditional"
    ),
    "long class names": "the classes of '{folder}' are {few}, …; only names of one character can be written",
    "length of text": "must have 1 to {most} characters (got {count})",
    "no such character": "'{folder}' has no class '{character}' to write '{text}' with; it has {known}",
    "character not recognized": (
        "the classifier recognizes none of {count} images of '{folder}' (seed {seed}) as '{character}'; try more "
        "--candidates, another --seed or longer training"
    ),
    "no finished run": (
        "no run in '{folder}' has finished; name a run after the text, or create one with 'pocketgan train'"
    ),
    # Plots.
    "nothing to plot": "'{folder}' has logged nothing yet, so there is nothing to plot",
    "runs in a plot": "a plot can show 1 to {most} runs (got {count})",
    "width of plots": "must be from {least} to {most} cm (got {width})",
}
"""Messages about pictures."""
