"""The place *Create*: pictures from a model, and what is kept of them."""
