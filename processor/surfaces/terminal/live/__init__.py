"""Traces as they pass, on the terminal of the running processor."""
