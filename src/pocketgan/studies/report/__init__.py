"""Report of a study: the HTML page, its plots and its tables. `write_report` is in `write`."""
