"""Messages about image-to-image translation. `base.messages` adds them to all others."""

from typing import Final

TRANSLATIONS: Final = {
    "translation needs images": "needs a generator that reads images, such as that of the recipe 'translator'",
    "pairs and target": "can't be combined with --target inverted; your own pairs have their targets",
    "task and target": "can't be combined with --target inverted; --task invert does the same",
    "no loss": "can be 0 only with a --reconstruction-weight above 0; otherwise nothing would be learned",
    "to and pairs": "can't be combined with --pairs; your own pairs have their targets",
    "to and task": "can't be combined with --task; the images of --to are the targets",
    "to and target": "can't be combined with --target inverted; the images of --to are the targets",
    "to needs adversarial": "must be above 0 with --to; without pairs, only the discriminator knows the target domain",
    "classes and task": "can't be combined with --to classes, which changes the class and makes no pairs",
    "keep class and classes": "can't be combined with --to classes, which changes the class",
    "class without classes": "must be 'classes', since the generator '{name}' receives a class; for another domain or "
    "a task, take the recipe 'translator'",
    "classes without class": "the generator '{name}' receives no class, which --to classes needs; take the recipe "
    "'class-translator'",
    "several classes": "needs one class for each image, and at least two classes; 'pocketgan look {source}' shows what "
    "there is",
    "baseline classes": "'{folder}' was trained with other classes; both runs need the same",
    "classes alone": "can't be combined with --to classes, where the networks receive the class alone",
    "identity needs to": "needs --to; it has no effect on pairs",
    "keep class needs to": "needs --to; pairs show what belongs to each input",
    "keep class without labels": "needs labels on both sides, one for each image; '{source}' has none",
    "classes of domains": "needs the same classes on both sides; '{source}' and '{data}' differ in {classes}",
    "channels of domains": "the images of '{source}' have {found} channels, and those of '{data}' {wanted}; read both "
    "with --color gray or --color rgb",
    "sizes of domains": "'{source}' has {found} pixels, but '{data}' has {wanted}; use --size {size}",
    "photo of images": "needs --images: the photos",
    "empty picture": "all pixels have the same brightness",
    "empty photo": "'{path}' is empty: all its pixels have the same brightness",
    "photo as it is": "'{path}' is {side} pixels and already in MNIST's format; nothing was changed",
    "photo prepared": "'{path}' ({size}): cut out the strokes ({found}), and scaled and centered them in {side}",
    "photo inverted": "'{path}' ({size}): inverted, cut out the strokes ({found}), and scaled and centered them in "
    "{side}",
    "baseline of translation": "compares runs that translate images",
    "baseline differs": "'{folder}' was trained with another --{name} ({theirs} instead of {ours}); "
    "both runs need the same",
    "baseline size": "'{folder}' translates images of another size or with other channels",
    # Folders of pairs.
    "no target": "'{folder}' has no target for the input '{picture}'; every input needs a target of the same name",
    "no input": "'{folder}' has no input for the target '{picture}'; every target needs an input of the same name",
    "pair sizes": "'{picture}' in '{folder}' is {input} as an input and {target} as a target; give both the same size",
    "pair name twice": "'{folder}' has two pictures called '{picture}' without their endings; rename one",
    "half only": "'{folder}' has pictures in '{there}' but none in '{missing}'",
    "not two halves": "'{path}' is {size} pixels; a picture that holds a pair must be twice as wide as it is high",
    "pairs no folder": "must be a folder of pairs (got '{path}')",
    "reads no noise": "'{folder}' translates images and reads no noise; use 'pocketgan translate'",
    "reads no images": "'{folder}' generates from noise and doesn't translate images; use 'pocketgan generate'",
    "images to translate gone": (
        "the images that '{folder}' was trained on, {source}, can't be found; set --images FILE... to those to "
        "translate"
    ),
    "too few to redraw": "there are {found} images to translate, and {count} were requested",
}
"""Messages about image-to-image translation, by key."""
