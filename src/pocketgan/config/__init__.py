"""A run's settings: sections, durations, plans, recipes, and the files of older versions."""
