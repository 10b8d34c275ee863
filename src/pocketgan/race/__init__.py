"""The race: models of several families, trained for the same seconds and judged alike. `docs/how-to/race.md`."""
