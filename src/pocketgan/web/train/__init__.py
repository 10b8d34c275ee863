"""The *Train* tab: the form for a new run, starting runs, and following a run."""
