"""``python -m app``: hands over to the command line."""

import signal
import sys

from app.cli import main

if __name__ == "__main__":
    # To be ended is to be interrupted: a build leaves nothing behind. Servers have their own way.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
