"""How good images are: feature spaces, metrics, scores with their real-data baselines."""
