"""`python -m pocketgan` is the `pocketgan` command."""

import sys

from pocketgan.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
