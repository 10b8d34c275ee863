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
# # Image to image: what a GAN without pairs learns, and what it doesn't
#
# Runs in about 50 seconds on two CPU cores.
#
# This notebook is for students who train a generator that reads images instead of random numbers. You train the recipe
# `white-background` and find out whether the generator looks at its input.
#
# The task: turn a white 8 on black into a dark 8 on white. One line of NumPy solves it exactly, `255 - image`. That
# makes it a good test, because you know the right answer for every input.

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
# The generator reads an 8. The discriminator learns to tell its output from real inverted 8s. The recipe trains for
# 5,001 steps by default, and this run for 1,000.

# %%
import numpy as np

import pocketgan

folder = RUNS / "07-image-to-image"
if (folder / "config.json").exists():
    run = pocketgan.resume(folder)
else:
    run = pocketgan.train(
        "white-background",
        out=folder,
        duration="1000 steps",
        sample_every="100 steps",
        evaluate_every="1000 steps",
        evaluate_count=500,
        checkpoint_every="500 steps",
    )

# %% [markdown]
# ## Translate test images
#
# `translate` applies the saved generator to images that took no part in training. It returns one
# object with the pairs, the inputs and the outputs. In the grid, each output is to the right of its input.

# %%
translation = pocketgan.translate(run, split="test", count=32)
translation

# %% [markdown]
# The background is white, and the dark pixels roughly form an 8. So far the generator does its task. Now compare the
# outputs with each other, and each output with its own input.

# %%
pocketgan.timelapse(run)

# %% [markdown]
# ## Does the output belong to its input?
#
# The exact answer is known, so the error can be computed. Three outputs are compared with the exact inversion of the
# same input:
#
# - the generator's output,
# - the output that the generator made for *another* input,
# - the mean of all inverted inputs, which is one blurred image.

# %%
read, generated = (np.asarray(images, dtype=np.float64) for images in (translation.inputs, translation.outputs))
exact = 255 - read


def error(images):
    """Returns the mean absolute difference from the exact inversion, in gray levels from 0 to 255."""
    return np.abs(images - exact).mean()


print(f"output for this input     {error(generated):6.1f}")
print(f"output for another input  {error(np.roll(generated, 1, axis=0)):6.1f}")
print(f"mean of all answers       {error(exact.mean(axis=0)):6.1f}")
print(f"255 - image               {error(255 - read):6.1f}")

# %% [markdown]
# If the first two lines are nearly equal, the output does not depend on the input. A second test is the variety of the
# outputs: the standard deviation of each pixel over the images, averaged over the pixels.

# %%
print(f"variety of the inputs   {read.std(axis=0).mean():6.1f}")
print(f"variety of the outputs  {generated.std(axis=0).mean():6.1f}")

# %% [markdown]
# ## Why this happens
#
# The objective never asks the generator to look at its input. The discriminator compares outputs with real inverted 8s
# in general, and never with the image that was read. So a generator that finds one convincing 8 can use it for every
# input.
#
# More steps do not remove the cause. In longer runs the quality goes up and down, and a run on all ten digits turned
# every input into nearly the same 8. [Digit by digit](../../docs/results/coursework/digit-by-digit.md) has the numbers.
#
# The losses do not show it. Nothing in these curves says whether the outputs differ.

# %%
pocketgan.plot(run)

# %% [markdown]
# ## What would help
#
# - **Pairs.** If every input has a known answer, add a loss between output and answer, as pix2pix does (Isola et al.
#   2017). For this task the answer is the inversion.
# - **A way back.** Without pairs, a second generator can translate the output back, and a loss compares the result with
#   the input, as in CycleGAN (Zhu et al. 2017).
# - **No GAN at all**, where a formula gives the answer.
#
# `white-background` has none of these losses; the recipe `translator` has both, with pairs or with `--to`. Use
# `white-background` to study this failure, and not as a tool for translation.
#
# ## What next?
#
# - Read [How GANs fail](../../docs/understand/how-gans-fail.md).
# - See the settings of the recipe: [`white-background`](../../docs/reference/recipes.md#white-background).
