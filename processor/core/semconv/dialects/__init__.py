"""What every dialect calls things: tables of attribute names and values, and nothing else.

    tokens, cached    counts of tokens, and attributes that hold a whole JSON document
    kinds             what a span is
    calls             models, providers, tiers, ids, costs that somebody upstream has written
    owners            whom a span belongs to: session, user, task …
    instrumentations  who wrote the span, and what its numbers mean
    aggregates        which spans repeat the calls of others
    logs              records of coding agents that report a call

A new dialect is a few rows here. Rows of one field stand in the order in which they are read:
the first that is present and readable wins, and names of the same thing are never added up.
"""
