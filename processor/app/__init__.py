"""The program put together: the order of the pipeline, the wiring, the start and the stop."""
