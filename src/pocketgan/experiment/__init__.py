"""Training of a single run, with its samples, evaluations and watchdog."""
