"""``python -m kameng`` is ``kameng``."""

import sys

from kameng.ops.cli import main

if __name__ == "__main__":
    sys.exit(main())
