"""`CostService`: questions about cost over gRPC."""
