"""Code generated from the files in `proto/`; their first lines say how."""
