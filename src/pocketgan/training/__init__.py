"""Training: objectives, optimizers, the state, the steps, and its checkpoints."""
