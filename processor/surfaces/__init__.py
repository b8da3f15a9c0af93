"""How people and programs ask: every answer comes from queries."""
