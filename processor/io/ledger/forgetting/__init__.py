"""Takes the id of a user out of all that the ledger keeps, in steps beside the turns.

forgotten   which ids were taken out, and what is read instead of them
texts       an id in longer texts
rows        where ids stand in the tables
steps       what is done one after the other
job         when that is done
"""
