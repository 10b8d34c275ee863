# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Train on your own images
#
# Runs in about 45 seconds on two CPU cores.
#
# This notebook is for everyone who wants to train a GAN on images other than MNIST. You make a small set of pictures in
# a folder, train on them, and measure the result. Then you put your own pictures in their place.

# %% [markdown]
# ## Install Pocketgan
#
# If Pocketgan is installed, the next cell only chooses the folder of the runs.
#
# **On Colab or Kaggle**, write the address of Pocketgan's repository into `REPOSITORY` first. The cell then clones the
# repository and installs the package from the clone. On Kaggle, also switch on *Internet* in the notebook's settings.
#
# Colab deletes its files at the end of a session. To keep your runs, mount your Google Drive in a new cell above, and
# choose the drive in `RUNS`:
#
# ```python
# from google.colab import drive
#
# drive.mount("/content/drive")
# ```
#
# On Kaggle, set *Persistence* to *Files only* instead. After a restart, run all cells from the top. The notebook then
# opens a finished run and resumes an unfinished one.

# %%
import importlib.util
import subprocess
import sys
from pathlib import Path

REPOSITORY = ""  # only needed on Colab or Kaggle: the address that `git clone` takes
RUNS = Path("notebook-runs")  # on a mounted drive: Path("/content/drive/MyDrive/notebook-runs")

if importlib.util.find_spec("pocketgan") is None:
    if not REPOSITORY:
        raise RuntimeError("Write the address of Pocketgan's repository into REPOSITORY, then run this cell again.")
    if not Path("pocketgan-clone").exists():
        subprocess.run(["git", "clone", "--depth", "1", REPOSITORY, "pocketgan-clone"], check=True)
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "./pocketgan-clone"], check=True)
    importlib.invalidate_caches()

# %% [markdown]
# ## Make the pictures
#
# Pocketgan reads a folder of PNG or JPEG files. All images must be square and of the same size. The recipe `pocket`
# needs a side that is a multiple of 4. The sub-folders are the classes:
#
# ```text
# pictures/train/disk/0000.png
# pictures/train/triangle/0000.png
# pictures/test/disk/0000.png
# ```
#
# The split `test` is optional. It holds images that take no part in training, so that you can measure fairly.
#
# Nothing is downloaded here. The cell draws disks, squares and triangles of random size and position.

# %%
import numpy as np
from PIL import Image, ImageDraw

import pocketgan

PICTURES = RUNS / "06-pictures"
SIZE, FINE = 28, 4  # pixels of a side; shapes are drawn four times as large and then made smaller


def draw(shape, rng):
    """Returns a gray picture of a shape with random size and position."""
    side = SIZE * FINE
    picture = Image.new("L", (side, side))
    radius = rng.uniform(0.2, 0.4) * side
    x, y = rng.uniform(radius, side - radius, 2)
    pen = ImageDraw.Draw(picture)
    if shape == "disk":
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    elif shape == "square":
        half = 0.8 * radius
        pen.rectangle((x - half, y - half, x + half, y + half), fill=255)
    else:
        left, right, bottom = x - 0.9 * radius, x + 0.9 * radius, y + 0.7 * radius
        pen.polygon([(x, y - radius), (left, bottom), (right, bottom)], fill=255)
    return picture.resize((SIZE, SIZE), Image.Resampling.LANCZOS)


if not PICTURES.exists():
    rng = np.random.default_rng(0)
    for split, count in (("train", 500), ("test", 150)):
        for shape in ("disk", "square", "triangle"):
            place = PICTURES / split / shape
            place.mkdir(parents=True)
            for number in range(count):
                draw(shape, rng).save(place / f"{number:04d}.png")
print(len(list(PICTURES.rglob("*.png"))), "pictures in", PICTURES)

# %% [markdown]
# ## Train
#
# `data` names the folder. `pocket` uses your classes. It also holds out a fifth of the training images as the
# [validation set](../../docs/understand/glossary.md#validation-set), to measure the run while it trains.

# %%
folder = RUNS / "06-your-own-images"
if (folder / "config.json").exists():
    run = pocketgan.resume(folder)
else:
    run = pocketgan.train(
        "pocket",
        out=folder,
        data=str(PICTURES),
        duration="200 steps",
        schedule="constant",
        sample_every="40 steps",
        evaluate_every="100 steps",
        evaluate_count=300,
        checkpoint_every="100 steps",
    )
print("classes:", ", ".join(run.facts.class_names), "- training images:", run.facts.images)

# %% [markdown]
# ## Look at the images

# %%
run.generate(24, label="disk")

# %%
run.generate(24, label="triangle")

# %%
pocketgan.timelapse(run)

# %% [markdown]
# Check by eye whether size and position vary as in the pictures of the folder. After 200 steps, some images are still
# empty or misshapen. Longer training helps.
#
# ## Measure
#
# For labeled images, `evaluate` normally trains a classifier on them first and compares its features. That takes a
# minute or more. `features="random"` uses a network with fixed random weights instead. It is quick, but it does not
# know your classes, so the scores about classes are left out.

# %%
result = pocketgan.evaluate(run, count=450, features="random")
result

# %% [markdown]
# Compare every score with its real-data baseline. These scores are not comparable with those of MNIST or of another
# folder.
#
# With so few training images, also ask whether the generator copies them. The rows *authenticity* and *copying (C_T)*
# answer this. A C_T far below 0 means copying.
#
# ## Use your own pictures
#
# Pocketgan crops and resizes by itself: see the settings `size` and `fit`. This function does it beforehand, for a
# folder that has a sub-folder for each class. Then name the new folder in `data`, and choose a new folder for the run.


# %%
def prepare(source, target, size=28, mode="L"):
    """Saves every picture below `source` as a square below `target`; use mode "RGB" for color."""
    from PIL import ImageOps

    for path in Path(source).rglob("*"):
        if path.suffix.lower() in (".png", ".jpg", ".jpeg"):
            place = Path(target) / path.relative_to(source).with_suffix(".png")
            place.parent.mkdir(parents=True, exist_ok=True)
            ImageOps.fit(Image.open(path).convert(mode), (size, size)).save(place)


# prepare("photos", "pictures/train")
# run = pocketgan.train("pocket", out=RUNS / "photos", data="pictures", duration="5 min")

# %% [markdown]
# The recipes are tuned for MNIST, so expect to adjust duration, width and learning rate. If you have only a few hundred
# images, try `augment="translation"`.
#
# ## What next?
#
# - Read [Train on your own images](../../docs/how-to/own-images.md): formats, few images, color.
# - Find out whether a change helps your images: `03_compare_settings.py`.
