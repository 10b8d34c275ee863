"""Pictures of runs: animations, interpolations, numbers, plots."""
