"""Runs and exported models: their folders, their weights, and the images that they generate."""
