"""One generator for all pairs of classes, as in StarGAN: turns each digit into any other, in the same hand.

    python star_digits.py --steps 2000

The generator reads an image and a class. An encoder keeps 16 numbers of the image, which a decoder draws as that class
(Choi et al. 2018: adversarial loss, cycle consistency and identity, with one generator for all directions). The digits
of the first column of `star-digits.png` are real; each one is followed by its ten translations.
"""

import argparse
import copy

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional

import pocketgan

CLASSES, CODE, WIDTH = 10, 16, 32

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=2e-3)
parser.add_argument("--cycle", type=float, default=10.0, help="weight of |G(G(x, target), own class) - x|")
parser.add_argument("--identity", type=float, default=10.0, help="weight of |G(x, own class) - x|")
parser.add_argument("--steps", type=int, default=2000)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)


class ClassNorm(nn.Module):
    """BatchNorm with a scale and a shift for each class."""

    def __init__(self, channels):
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.scale, self.shift = nn.Embedding(CLASSES, channels), nn.Embedding(CLASSES, channels)
        nn.init.ones_(self.scale.weight)
        nn.init.zeros_(self.shift.weight)

    def forward(self, maps, labels):
        return self.norm(maps) * self.scale(labels)[:, :, None, None] + self.shift(labels)[:, :, None, None]


class Generator(nn.Module):
    """An image of 28×28 pixels and a class → 16 numbers → an image of that class."""

    def __init__(self):
        super().__init__()
        wide = 2 * WIDTH
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(2),
            nn.Conv2d(4, WIDTH, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(WIDTH, wide, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(wide),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(wide * 49, CODE),
        )
        self.name = nn.Embedding(CLASSES, 64)
        self.open = nn.Linear(CODE + 64, wide * 49)
        self.layers = nn.ModuleList(
            [nn.Conv2d(wide, into, 3, padding=1, bias=False) for into in (wide, wide, 4 * WIDTH)]
        )
        self.norms = nn.ModuleList([ClassNorm(into) for into in (wide, wide, 4 * WIDTH)])
        self.last = nn.Conv2d(WIDTH, 4, 3, padding=1)

    def forward(self, images, labels):
        code = torch.cat([self.encoder(images), self.name(labels)], dim=1)
        maps = self.open(code).view(len(images), -1, 7, 7)
        for layer, norm in zip(self.layers, self.norms, strict=True):
            maps = functional.leaky_relu(norm(layer(maps), labels), 0.2)
        return torch.tanh(functional.pixel_shuffle(self.last(functional.pixel_shuffle(maps, 2)), 2))


class Discriminator(nn.Module):
    """An image and classes, (N, K) → a logit for each class, (N, K): a projection discriminator."""

    def __init__(self):
        super().__init__()
        wide = 2 * WIDTH
        self.layers = nn.Sequential(
            nn.PixelUnshuffle(2),
            nn.Conv2d(4, WIDTH, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(WIDTH, wide, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(wide, wide, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
        )
        self.score, self.name = nn.Linear(wide * 49, 1), nn.Embedding(CLASSES, wide * 49)
        nn.init.normal_(self.name.weight, std=(wide * 49) ** -0.5)

    def forward(self, images, labels):
        features = self.layers(images)
        return self.score(features) + torch.einsum("nf,nkf->nk", features, self.name(labels))


generator, discriminator = Generator(), Discriminator()
averaged = copy.deepcopy(generator).eval()
optimizers = [torch.optim.Adam(one.parameters(), lr=args.lr, betas=(0.0, 0.99)) for one in (generator, discriminator)]
softplus = functional.softplus


def update(optimizer, loss, factor):
    for group in optimizer.param_groups:
        group["lr"] = args.lr * factor
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def gradient_penalty(images, labels):
    """Half the squared norm of the discriminator's gradient at some images (Mescheder et al. 2018)."""
    images = images.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(discriminator(images, labels[:, None]).sum(), images, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)).mean() / 2


def draw(count, seed, labels):
    """Turns real digits, chosen by the seed, into the requested ones."""
    chosen = np.random.default_rng(seed).integers(0, len(images), count)
    with torch.no_grad():
        return averaged(images[chosen], torch.as_tensor(labels))


def step(number):
    """Trains both networks once; returns their losses."""
    chosen, targets = torch.randint(len(images), (64,)), torch.randint(CLASSES, (64,))
    real = images[[places[label][torch.randint(len(places[label]), ())] for label in targets.tolist()]]
    fake = generator(images[chosen], targets)
    factor = min(1.0, 2 * (1 - number / args.steps))  # Constant, then linearly to zero.

    # The discriminator compares real digits with generated ones of the same class, and with a wrong class.
    told = torch.stack([targets, targets.roll(1)], dim=1)
    reals, fakes = discriminator(real, told), discriminator(fake.detach(), told)
    wrong = softplus(reals[:, 1] - reals[:, 0]) * (told[:, 0] != told[:, 1])
    d_loss = softplus(fakes[:, 0] - reals[:, 0]).mean()
    penalty = sum(gradient_penalty(part[:16], targets[:16]) for part in (real, fake))
    update(optimizers[1], d_loss + 0.7 * wrong.mean() + penalty, factor)

    # The generator: looks like the target class, can be turned back, and leaves its own class as it is.
    discriminator.requires_grad_(False)
    g_loss = softplus(reals[:, 0].detach() - discriminator(fake, told)[:, 0]).mean()
    back = (generator(fake, classes[chosen]) - images[chosen]).abs().mean()
    same = (generator(images[chosen], classes[chosen]) - images[chosen]).abs().mean()
    update(optimizers[0], g_loss + args.cycle * back + args.identity * same, factor)
    discriminator.requires_grad_(True)
    with torch.no_grad():
        keep = 0.5 ** (1 / (0.05 * number + 1))  # A half-life of 5% of the steps so far.
        for mean, value in zip(averaged.state_dict().values(), generator.state_dict().values(), strict=True):
            mean.copy_(torch.lerp(value, mean, keep) if mean.is_floating_point() else value)
    return {"d_loss": d_loss, "g_loss": g_loss, "cycle": back, "identity": same}


def save_grid(path):
    rows = []
    with torch.no_grad():
        for label in range(CLASSES):
            digit = images[places[label][:1]]
            made = averaged(digit.expand(CLASSES, -1, -1, -1), torch.arange(CLASSES))
            rows.append(torch.cat([digit, made])[:, 0])
    pixels = torch.stack(rows).permute(0, 2, 1, 3).reshape(28 * CLASSES, -1)
    Image.fromarray(((pixels + 1) * 127.5).round().byte().numpy()).resize((924, 840), 0).save(path)


with pocketgan.record(sample=draw, settings=vars(args)) as run:
    arrays = run.training_data()
    images, classes = torch.from_numpy(arrays[0]) / 127.5 - 1, torch.from_numpy(arrays[1])
    places = [(classes == label).nonzero().flatten() for label in range(CLASSES)]
    for number in range(args.steps):
        run.step(images=64, **step(number))
        if run.stop:
            break
    save_grid("star-digits.png")
