"""Runs and exported models: their folders, their weights, and the images drawn from them."""
