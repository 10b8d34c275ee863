"""Images: read from files, stored in sets, arranged in grids."""
