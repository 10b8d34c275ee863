"""The page of a study, and the pictures and tables behind it. `write_report` is in `write`."""
