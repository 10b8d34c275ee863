"""The browser interface: `pocketgan ui`. No other package imports it, and only its worker process imports torch."""
