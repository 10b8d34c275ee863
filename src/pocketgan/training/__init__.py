"""Training: objectives, optimizers, the training state, its steps and its checkpoints."""
