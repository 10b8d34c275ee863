"""Images: read from files, held in sets, laid out in grids."""
