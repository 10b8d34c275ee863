"""Studies: settings × seeds, run in parallel, with a statistical verdict. `run_study` is in `running`."""
