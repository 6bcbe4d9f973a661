"""`python -m c2s_assets` is `c2s`."""

import sys

from c2s_assets.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
