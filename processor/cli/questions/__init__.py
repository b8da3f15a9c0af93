"""Questions of commands: a path and a query of the API, and its document as the answer.

asking      `open_questions`: what a command asks with, and the Questions it gets
remote      the processor that runs, over HTTP; address: where it is, TLS, the token
local       the ledger's file, by the same table of endpoints
naming      what is wrong with a question, by the flag that says it
"""

from processor.cli.questions.asking import open_questions
from processor.cli.questions.protocol import Form, Query, Questions

__all__ = ["Form", "Query", "Questions", "open_questions"]
