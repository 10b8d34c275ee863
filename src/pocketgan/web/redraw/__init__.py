"""The *Translate* tab: image-to-image translation of drawings, files and test images."""
