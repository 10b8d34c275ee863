"""The command line: what is typed is read, called, and printed."""
