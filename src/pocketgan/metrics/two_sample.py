"""Can a small network tell generated images from real ones? The classifier two-sample test (Lopez-Paz & Oquab 2017)."""

import math

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, relu

from pocketgan.metrics.neighbours import Features, check_features, subsample

HIDDEN = 64
STEPS = 600
BATCH = 256
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 1e-2


def two_sample_accuracy(generated: Features, real: Features, *, seed: int = 0) -> float:
    """The accuracy of a network with one hidden layer on images that it wasn't trained on (Lopez-Paz & Oquab 2017).

    Both sets are cut to the size s of the smaller; the network is trained on ⌊s/2⌋ images of each and tested on the
    other ⌈s/2⌉ of each, 2⌈s/2⌉ in all. Nothing random comes from, or goes to, torch's global generator.

    Args:
        generated: (n, width), n ≥ 2.
        real: (m, width), m ≥ 2.
        seed: for the draws, the initial weights and the batches.

    Returns:
        The mean of the accuracies on generated and on real images, in [0, 1]: about 0.5 where nothing tells them apart,
        1 where everything does.

    Raises:
        ValueError: too few rows, or other widths.
    """
    check_features(2, generated=generated, real=real)
    size = min(len(generated), len(real))
    half = size // 2
    first = subsample(generated, size, seed).detach().float()
    second = subsample(real, size, seed + 1).detach().float()
    trained = torch.cat([first[:half], second[:half]])
    mean, scale = trained.mean(dim=0), trained.std(dim=0)
    scale = scale.where(scale > 0, 1)
    targets = torch.arange(2 * half, device=trained.device) < half
    weights = _train((trained - mean) / scale, targets.float(), torch.Generator().manual_seed(seed + 2))
    with torch.no_grad():
        said_generated = _logits((first[half:] - mean) / scale, weights) > 0
        said_real = _logits((second[half:] - mean) / scale, weights) <= 0
    return 0.5 * (said_generated.double().mean() + said_real.double().mean()).item()


def two_sample_p_value(accuracy: float, tests: int) -> float:
    """How likely an accuracy this high is if both sets come from one distribution (Lopez-Paz & Oquab 2017, section 3).

    The number of right answers is then binomial with the probability ½; this is the normal approximation of its tail.

    Args:
        accuracy: in [0, 1].
        tests: how many images the network was tested on: 2⌈s/2⌉, s the size of the smaller set; 1 or more.

    Returns:
        In [0, 1]; 0.5 for the accuracy 0.5.

    Raises:
        ValueError: an accuracy outside [0, 1], or no tests.
    """
    if not 0 <= accuracy <= 1 or tests < 1:
        raise ValueError(f"accuracy: {accuracy}, tests: {tests}; they take a number in [0, 1] and 1 or more")
    return 0.5 * math.erfc((accuracy - 0.5) * math.sqrt(2 * tests))


def _train(features: Tensor, targets: Tensor, random: torch.Generator) -> list[Tensor]:
    """Fits the network to features (n, width) and targets (n,) of 0 and 1, also where gradients are turned off."""
    width = features.shape[1]
    with torch.inference_mode(mode=False), torch.enable_grad():
        features, targets = features.clone(), targets.clone()
        weights = [
            torch.randn(width, HIDDEN, generator=random) * math.sqrt(2 / width),
            torch.zeros(HIDDEN),
            torch.randn(HIDDEN, generator=random) / math.sqrt(HIDDEN),
            torch.zeros(()),
        ]
        weights = [weight.to(features.device).requires_grad_() for weight in weights]
        optimizer = torch.optim.AdamW(weights, lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
        for _ in range(STEPS):
            batch = torch.randint(len(features), (BATCH,), generator=random).to(features.device)
            loss = binary_cross_entropy_with_logits(_logits(features[batch], weights), targets[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return weights


def _logits(features: Tensor, weights: list[Tensor]) -> Tensor:
    """(n, width) → (n,): above 0 for generated images."""
    into, bias, out, offset = weights
    return relu(features @ into + bias) @ out + offset
