"""The entrants by name. A file of one's own, such as `my_gan.py`, enters by its path."""

from pocketgan.race.contract import Make
from pocketgan.race.entrants.diffusion import Diffusion
from pocketgan.race.entrants.flow import RectifiedFlow
from pocketgan.race.entrants.gans import dcgan, drifting, pocket, student_dcgan
from pocketgan.race.entrants.vae import VAE

ENTRANTS: dict[str, Make] = {
    "pocket": pocket,
    "dcgan": dcgan,
    "student-dcgan": student_dcgan,
    "rectified-flow": RectifiedFlow,
    "drifting": drifting,
    "vae": VAE,
    "diffusion": Diffusion,
}
