"""Intake: pictures and arrays as people have them, to uint8 images of one size; see `docs/how-to/own-images.md`."""
