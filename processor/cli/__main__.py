"""``python -m processor.cli`` is the command ``llm-cost``."""

import sys

from processor.cli.dispatch import main

sys.exit(main())
