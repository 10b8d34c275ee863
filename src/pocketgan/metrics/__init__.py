"""Image quality: feature spaces, metrics, and scores with their real-data baselines."""
