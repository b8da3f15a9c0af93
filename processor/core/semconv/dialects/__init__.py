"""What every dialect calls things: tables of attribute names and values, and nothing else.

    tokens, cached    counts of tokens; those of cached tokens are in a module of their own
    units             counts of what is not tokens: searches, characters, seconds, images, pages
    maps              attributes that hold a whole usage object
    words             the words of which the names in these objects consist
    kinds             what a span is
    calls             models, providers, tiers, ids, costs that somebody upstream has written
    owners            whom a span belongs to: session, user, task …
    instrumentations  who wrote the span, and what its numbers mean
    aggregates        which spans repeat the calls of others
    llamaindex        the span events that LlamaIndex writes
    logs              records of coding agents that report a call

A new dialect is a few rows here. Rows of one field stand in the order in which they are read:
the first that is present and readable wins, and names of the same thing are never added up.
"""
