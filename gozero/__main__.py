"""`python -m gozero` is the `gozero` command."""

import sys

from gozero.cli import main

if __name__ == "__main__":
    sys.exit(main())
