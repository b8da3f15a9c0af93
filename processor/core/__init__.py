"""Every decision, and nothing of the outside: no file, socket, clock, chance, thread or log.

Modules here import only each other.
"""
