"""Every surface of the processor, asked for costs: an answer in nano-dollars from each.

A surface has a method for each kind of question that it takes; one that it cannot be asked it does
not have, or answers with None.
"""
