"""The place *Train*: its form, the trainings that it starts, the run that is followed."""
