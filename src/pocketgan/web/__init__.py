"""The web page: `pocketgan ui`. Nothing else imports it, and it imports no torch; what needs torch is in the worker."""
