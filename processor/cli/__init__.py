"""The command line: ``llm-cost serve | demo | check-config | price | unpriced | …``.

Only the module of the command that was asked for is loaded, so that ``--help`` and ``price`` do
not wait for gRPC.
"""

from processor.cli.dispatch import main

__all__ = ["main"]
