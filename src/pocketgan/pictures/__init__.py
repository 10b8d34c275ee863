"""Pictures of runs: animations, interpolations, generated text, plots."""
