"""A fully connected GAN in PyTorch, as in coursework."""

import argparse
import gzip
from pathlib import Path

import numpy as np
import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=2e-4)
parser.add_argument("--steps", type=int, default=2000)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)

generator = nn.Sequential(
    nn.Linear(64, 256), nn.LeakyReLU(0.2), nn.Linear(256, 512), nn.LeakyReLU(0.2), nn.Linear(512, 784), nn.Tanh()
)
discriminator = nn.Sequential(
    nn.Linear(784, 512), nn.LeakyReLU(0.2), nn.Linear(512, 256), nn.LeakyReLU(0.2), nn.Linear(256, 1)
)
g_optimizer = torch.optim.Adam(generator.parameters(), lr=args.lr, betas=(0.5, 0.999))
d_optimizer = torch.optim.Adam(discriminator.parameters(), lr=args.lr, betas=(0.5, 0.999))
criterion = nn.BCEWithLogitsLoss()
ones, zeros = torch.ones(64, 1), torch.zeros(64, 1)


def load_mnist():
    path = Path(__file__).parents[2] / "src/pocketgan/mnist/train-images-idx3-ubyte.gz"
    return np.frombuffer(gzip.open(path).read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)


def draw(count, seed):
    z = torch.randn(count, 64, generator=torch.Generator().manual_seed(seed))
    return generator(z).detach().reshape(count, 28, 28)


def train(images):
    pixels = torch.from_numpy(images.reshape(-1, 784)).float() / 127.5 - 1
    for step in range(args.steps):
        real = pixels[torch.randint(len(pixels), (64,))]
        fake = generator(torch.randn(64, 64))
        d_loss = criterion(discriminator(real), ones) + criterion(discriminator(fake.detach()), zeros)
        d_optimizer.zero_grad()
        d_loss.backward()
        d_optimizer.step()
        g_loss = criterion(discriminator(fake), ones)
        g_optimizer.zero_grad()
        g_loss.backward()
        g_optimizer.step()
        if step % 500 == 0:
            print(f"step {step}: d_loss {d_loss:.3f}, g_loss {g_loss:.3f}")


if __name__ == "__main__":
    train(load_mnist())
    torch.save(generator.state_dict(), f"generator-{args.lr}-{args.seed}.pt")
