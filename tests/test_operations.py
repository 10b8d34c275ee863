"""The benchmark's floor: a recorded step, done again as a plain list of operations, is the step."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from pocketgan.config.sections import RunConfig
from pocketgan.images.batches import Batches
from pocketgan.images.sets import ImageSet
from pocketgan.networks import ImageShape
from pocketgan.training.checkpoints import state_tensors
from pocketgan.training.ema import update_ema
from pocketgan.training.state import TrainState, create_state
from pocketgan.training.steps import training_step

sys.path.append(str(Path(__file__).parent.parent / "benchmarks"))
from operations import in_order, recorded, seconds_alone


def different(one: TrainState, other: TrainState) -> list[str]:
    tensors = state_tensors(other)
    return [name for name, tensor in state_tensors(one).items() if not torch.equal(tensor, tensors[name])]


@pytest.mark.parametrize("recipe", ["minimal", "comparison", "dcgan", "pocket", "white-background"])
def test_recorded_step_done_again_in_order_is_the_next_step_bit_for_bit(
    recipe: str, tiny_config: Callable[..., RunConfig], tiny_images: Callable[..., ImageSet]
) -> None:
    config, images = tiny_config(recipe), tiny_images()
    batches = Batches(images, config.data, batch_size=config.train.batch_size, seed=0, device="cpu")

    def begin() -> tuple[Callable[[], None], TrainState]:
        state = create_state(config, ImageShape(1, 8, 10 if config.network.conditional else 0), "cpu")

        def step() -> None:
            training_step(state, batches.at(0), config, 1.0)
            if state.averages:
                update_ema(state, 1000.0, config.train.batch_size)

        return step, state

    step, trained = begin()
    for _ in range(4):
        step()
    other, again = begin()
    calls = recorded(other)  # Two steps.
    repeat = in_order(calls)
    calls.clear()
    with torch.no_grad():
        repeat()
        assert different(trained, again)
        repeat()
    assert different(trained, again) == []


def test_operations_alone_are_summed_by_name_and_leave_their_arguments_alone() -> None:
    weight = torch.zeros(3)
    calls = recorded(lambda: weight.add_(1).mul_(1).add_(1))
    found = seconds_alone(calls)
    assert found.keys() == {"add_", "mul_"}
    assert min(found.values()) > 0
    assert weight.tolist() == [4, 4, 4]
