"""At which spatial frequencies generated images differ from real ones: `python benchmarks/spectrum.py RUN [RUN ...]`.

Mean squared modulus of the two-dimensional Fourier transform over 10,000 images of a run's averaged generator, at each
distance from the zero frequency in cycles an image, as a multiple of that over the run's own training images;
beside it that of its held-out ones, which say what chance does. The highest are single pixels' noise and
checkerboards (Durall et al. 2020 look at GANs so). The test split takes no part.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pocketgan.images.sets import load_images
from pocketgan.runs.exported import load
from pocketgan.runs.run import Run

COUNT = 10_000


def power(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Returns the mean power of square images (N, S, S) at 0, 1, 2 … cycles an image, each distance's mean."""
    side = images.shape[-1]
    spectrum = (np.abs(np.fft.fft2(images / 255)) ** 2).mean(axis=0)
    frequencies = np.fft.fftfreq(side, 1 / side)
    distance = np.hypot(frequencies[:, None], frequencies).round().astype(int)
    return np.bincount(distance.ravel(), spectrum.ravel()) / np.bincount(distance.ravel())


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path)
    options = parser.parse_args()
    config = Run.open(options.runs[0]).config.data
    real = [load_images(config, part).images[:COUNT, 0].numpy() for part in ("train", "validation")]
    drawn = [
        np.asarray(load(run).generate(COUNT, seed=0).images).reshape(-1, *real[0].shape[1:]) for run in options.runs
    ]
    base, *others = map(power, [*real, *drawn])
    print(f"| cycles an image | held out | {' | '.join(run.name for run in options.runs)} |")
    print("| ---: |" + " ---: |" * len(others))
    for cycles in range(len(base)):
        print(f"| {cycles} | {' | '.join(f'{other[cycles] / base[cycles]:.2f}' for other in others)} |")


if __name__ == "__main__":
    main()
