"""``python -m processor.config`` prints the reference file of all settings."""

import sys

from processor.config.reference import render_reference

sys.stdout.write(render_reference())
