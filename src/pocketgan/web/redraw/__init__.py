"""The place *Redraw*: drawings, files and test images, redrawn."""
