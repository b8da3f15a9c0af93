"""Traces as a terminal shows them: a tree with costs, totals and budget events."""
