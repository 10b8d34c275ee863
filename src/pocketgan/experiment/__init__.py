"""One experiment: a run is trained, sampled, evaluated and watched as it goes."""
