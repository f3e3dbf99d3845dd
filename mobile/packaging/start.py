"""Where a bundle starts: the same ``main`` as the ``miss`` command."""

import sys

from miss_app.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
