"""Callbacks that record the loops of other libraries: `pocketgan.integrations.keras` and `.lightning`.

Each module imports its library; nothing else in the package does.
"""
