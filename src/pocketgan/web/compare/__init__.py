"""The place *Compare*: runs side by side, and studies."""
