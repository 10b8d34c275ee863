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
# # First digits: train a GAN and look at its images
#
# Runs in about 45 seconds on two CPU cores.
#
# This notebook is for everyone who has never trained a GAN. You train one on handwritten digits, look at its images,
# and request a digit of your choice.
#
# A [GAN](../../docs/understand/glossary.md#gan) consists of two networks. The generator turns random numbers into
# images. The discriminator learns to tell these images from real ones, and the generator learns to deceive it.

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
# ## Train
#
# `pocketgan.train` takes the name of a [recipe](../../docs/reference/recipes.md) and returns the run. `pocket` is the
# default recipe. It is class-conditional: the generator receives the digit that it should generate.
#
# This run is very short, and the other settings below fit its 200 steps. They keep the learning rate constant, which
# otherwise falls to zero. They also say how often Pocketgan saves samples, measures the images, and saves a checkpoint.

# %%
import pocketgan

folder = RUNS / "01-first-digits"
if (folder / "config.json").exists():
    run = pocketgan.resume(folder)
else:
    run = pocketgan.train(
        "pocket",
        out=folder,
        duration="200 steps",
        schedule="constant",
        sample_every="20 steps",
        evaluate_every="100 steps",
        evaluate_count=500,
        checkpoint_every="100 steps",
    )

# %% [markdown]
# In the lines above, *FD* is the [Fréchet distance](../../docs/understand/glossary.md#fréchet-distance) between
# generated and real digits. Lower is better. The baseline is the distance that real digits have.
#
# ## Look at the images
#
# `generate` makes new images. Each column shows one requested digit. With another `seed` you get other images.

# %%
run.generate(100, seed=0)

# %% [markdown]
# Most digits are readable after 200 steps, but some are broken, and the digits of a column look alike. Longer training
# improves both.
#
# With `label` you request one digit only:

# %%
run.generate(20, label="7")

# %% [markdown]
# ## Watch the training
#
# A run saves samples from the same random numbers again and again. `timelapse` turns them into an animation.

# %%
pocketgan.timelapse(run)

# %% [markdown]
# `plot` draws the curves of the run. The quality plot tells you most. The losses say little about the images, as the
# notebook `04_losses_mislead.py` shows.

# %%
pocketgan.plot(run)

# %% [markdown]
# ## Write a number
#
# `write` puts generated digits side by side.

# %%
year = pocketgan.write("2026", run)
year

# %% [markdown]
# ## Save pictures
#
# Everything that a notebook shows has a method `save`. The ending of the name says what is written.

# %%
pictures = folder / "pictures"
run.generate(100).save(pictures / "digits.png", labels=True)
year.save(pictures / "2026.png")
pocketgan.timelapse(run).save(pictures / "training.gif")
sorted(path.name for path in pictures.iterdir())

# %% [markdown]
# ## What next?
#
# - Train better digits. This takes a minute more on any computer: `pocketgan.train("pocket", out=RUNS / "one-minute",
#   duration="1 min")`.
# - Measure how good the images are: `02_measure_quality.py`.
# - Read [What is a GAN?](../../docs/understand/what-is-a-gan.md)
