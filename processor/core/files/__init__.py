"""The operator's files: YAML that knows its lines, and checks that name every mistake at once."""
