"""Messages about the intake of images: what was done, what was passed over, and what is refused, with a remedy."""

from typing import Final

INTAKE: Final[dict[str, str]] = {
    # What was done.
    "composed": "transparent pictures, put on {background} (--background): {count}",
    "turned": "photographs turned upright, as their camera says (EXIF): {count}",
    "first frame": "animations and files of several pages, of which the first is read: {count}",
    "deep color": "pictures with 16 bits per color, read with 8: {count}",
    "fitted": "pictures of {sizes} pixels, {how} to {size} (--size, --fit): {count}",
    "fit crop": "cropped to a square and scaled",
    "fit pad": "padded to a square and scaled",
    "fit stretch": "stretched",
    "clipped values": "values below {low} or above {high}, clipped: {count} images",
    "split as class": "the folder '{name}' is a class here; it would be a split if it lay beside other splits alone",
    "scaled values": "values from {low} to {high}, scaled to 0 to 255: {count} images",
    "gray in color": "gray images saved in color, read as gray (--color rgb keeps three channels): {count}",
    "gray among color": "gray pictures among colored ones, read in color: {count}",
    "made gray": "colored pictures made gray (--color gray): {count}",
    "rows": "rows of {values} values, read as images of {size}×{size} pixels",
    "transposed": "the images are stored transposed; they are turned upright (--orientation)",
    "one-hot": "one-hot labels, read as classes",
    "several labels": "an image can have several of {count} labels",
    "files as classes": "each of {count} files is a class",
    "wrapped": "the pictures are in the folder '{folder}'",
    "labels from": "the labels are from {file}",
    "labels from column": "the labels are from {file}, column '{column}' (--labels FILE:COLUMN chooses another)",
    "labels in column": "the labels are in column {column} of {count}; the others are pixels",
    "labels in named column": "the labels are in column '{column}' of {file}; the others are pixels",
    "columns unused": "columns of {file} that aren't used: {names}",
    "arrays unused": "arrays of {file} that aren't used: {names}",
    "files unused": "files beside it that aren't used: {names}",
    "rows without picture": "rows of {file} that name no picture: {count} ({names})",
    "split without labels": "{file} names no picture of the split '{split}', which stays without labels",
    "table unused": "{file} isn't used for labels: {why}",
    "table of few": "{file} names {percent}% of the pictures and isn't used; --labels {file} takes its labels",
    "table beside folders": "the sub-folders are the classes, and {file} isn't used; --labels {file} takes its labels",
    "hub split": "the split '{split}' is the training split",
    "hub splits unused": "splits that aren't used: {names}",
    "deep pictures": "the pictures with more than 8 bits",
    "the pictures": "the pictures",
    # What was passed over.
    "skipped hidden": "hidden files and folders passed over: {count} ({names})",
    "skipped foreign": "files passed over that are no pictures: {count} ({names})",
    "skipped unread": "pictures passed over of a kind that isn't read: {count} ({names})",
    "skipped unreadable": "files passed over without permission to read them: {count} ({names})",
    "skipped loop": "links passed over that lead back: {count} ({names})",
    "skipped broken": "links passed over that lead nowhere: {count} ({names})",
    "skipped empty folder": "folders passed over without pictures: {count} ({names})",
    "skipped damaged": "damaged pictures passed over (--skip-damaged): {count} ({names})",
    "skipped beside pairs": "passed over beside the folders of the pairs: {count} ({names})",
    "skipped unlabeled": "pictures passed over that the table of labels doesn't name: {count} ({names})",
    # What is refused.
    "given arrays": "the array",
    "two readings": (
        "{path}: values from {low} to {high} ({type}) can be read in several ways; set --value-range 0:1, -1:1, 0:255, "
        "or the values of black and white, such as 0:{high}"
    ),
    "two readings of images": (
        "{path}: values from {low} to {high} ({type}) can be read in several ways; set --pixel-range 0:1, -1:1, 0:255, "
        "or the values of black and white, such as 0:{high}"
    ),
    "images beside classes": (
        "{folder} has {count} pictures beside its class folders ({names}); move them into a class folder"
    ),
    "two readings of real images": (
        "{path}: values from {low} to {high} ({type}) can be read in several ways; save them as uint8 from 0 to 255"
    ),
    "images not finite": "{path} holds infinite values or NaN",
    "where are channels": (
        "{path}: the shape {shape} can be read in several ways; set --channels-at first, last, or none for gray images "
        "(N, H, W)"
    ),
    "where are channels in rows": (
        "{path}: rows of {values} values are colored images of {size}×{size} pixels; set --channels-at first (one "
        "channel after the other, as in CIFAR) or last (one pixel after the other)"
    ),
    "rows of another length": (
        "{path}: rows of {values} values are no square images; save the images as (N, H, W) or (N, H, W, 3)"
    ),
    "columns of another number": (
        "{path}: {values} columns of pixels are no square images; call the column of the labels 'label', and remove "
        "others (not pixels by their names: {names})"
    ),
    "which column has labels": (
        "{path}: the labels can be in the first or in the last column, beside {values} of pixels; write a first line "
        "of names, with 'label' above the labels"
    ),
    "channels elsewhere": "{path}: --channels-at {value} doesn't fit the shape {shape}; there must be 1 to 4 channels",
    "ranges of splits": (
        "{path}: the values of the splits have different ranges ({ranges}); bring them to one, or set --value-range"
    ),
    "labels of splits": "{path}: the splits have different numbers of labels for an image ({counts})",
    "table for arrays": (
        "only folders of pictures take a table ({file}); save the labels of {data} in an array 'labels', or in a "
        "column 'label'"
    ),
    "table for pairs": "the classes of pairs are their sub-folders; no table is read ({file})",
    "path for unpaired": (
        "{path} has no target domain; translation without pairs is evaluated on a split: test, validation or train"
    ),
    "of target domain": "target domain {source}: {what}",
    "balance without classes": "needs one class for each image, and {source} has none",
    "frozen without discriminator": "needs a run; the exported model {source} has no discriminator",
    "array of objects": (
        "the array '{array}' in {path} holds Python objects, which can run code; save words with .astype(str), numbers "
        "with .astype(int)"
    ),
    "labels with fractions": (
        "'labels' in {path} must be whole numbers, names, or 0 and 1 for several per image; give numbers with "
        "fractions as --condition"
    ),
    "no range": "must be 'auto' or the values of black and white, such as '0:1', '-1:1' or '0:255' (got {text})",
    "no color": "must be a color such as 'white', 'black' or '#ff8800' (got {text})",
    "unreadable npy": "can't read {path} as an .npy file: {why}",
    "several array files": (
        "{folder} holds several array files ({known}); give one of them, or name them train-images and train-labels"
    ),
    "several idx sets": "{folder} holds several data sets ({known}); give one of their files, such as {example}",
    "no idx images": "{path} isn't an IDX file of images; give the one of images, or their folder",
    "no table of pixels": "{path} isn't a table with a column for each pixel: {why}",
    "no records": "{file} isn't a binary batch of CIFAR: its {length} bytes aren't a multiple of {record}",
    "no label file": "can't read the labels in {path}: {why}",
    "no number file": "can't read the numbers in {path}: {why}",
    "no numbers of picture": "{path} has no numbers for {picture} ({count} pictures in all)",
    "rows of numbers": "{path} has {rows} rows for {images} images; name the pictures in a column 'file'",
    "several tables": "{names} name the pictures; choose one of them, or none",
    "labels of nothing": (
        "{path} has no label for any picture in {folder}; it names {entry}, and a picture is {picture}"
    ),
    "name of several": "{path} names {entry}, as several pictures are called ({pictures}); write their folders, too",
    "numbers twice": "{path} has different numbers for {picture}",
    "no training folder": "{folder} has folders of splits ({names}), but none called 'train'; give one of them",
    "splits beside others": (
        "{folder} has folders 'train' and 'test' or 'val', which are splits, and others beside them ({names}); move "
        "these elsewhere, or rename folders that are classes"
    ),
    "table in folder": "{path} is a table; if its columns are pixels, give the file",
    "pickles": (
        "{path} is a pickle, which can run code when it is opened; load it yourself and save it with numpy.savez "
        "(CIFAR has a binary version, too)"
    ),
    "foreign file": "{path}: files with the ending {ending} aren't read; load it and save its images with numpy.savez",
    "packed": "{path} is packed; unpack it and give the folder or the file",
    "parquet": "{folder} holds Parquet files; give it as 'hf:{folder}'",
    "one picture": "{data} is a single picture; give the folder of the pictures",
    "only unread pictures": "{folder} holds only pictures of a kind that isn't read ({names}); convert them to {known}",
    "split twice": "{folder} has several folders for one split: {names}; merge them",
    "damaged image": "can't decode {path} as a picture; remove it",
    "damaged images": "{count} pictures can't be read ({names}); remove them",
    "damaged picture": "can't decode {path} as a picture; remove it, or pass it over with --skip-damaged",
    "damaged pictures": "{count} pictures can't be read ({names}); remove them, or pass them over with --skip-damaged",
    "deep color is dark": (
        "the pictures with 16 bits per color hold numbers below 16 bits (their brightest is {high} of 255 when read "
        "with 8); save them with 8 bits"
    ),
    "no datasets package": "'hf:' needs the package datasets; pip install datasets",
    "no hub data": "can't load {data}: {why}",
    "hub without images": "{data} has no column of images (it has: {known})",
    "packaged as it is": "{data} in the package has {size} pixels {colors}; this setting is for images of your own",
    "reading pictures": "reading {count} pictures, once",
}
"""Messages about the intake of images."""
