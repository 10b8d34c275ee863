
import torch
from torch import nn

class Flat(nn.Module):
    def __init__(self, latent_dim, *, hidden: int = 4):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(latent_dim, hidden), nn.ReLU(), nn.Linear(hidden, 784))

    def forward(self, z):
        return torch.tanh(self.layers(z))
