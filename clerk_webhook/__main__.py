"""`python -m clerk_webhook` is the `clerk-webhook` command."""

import sys

from .cli import main

sys.exit(main())
