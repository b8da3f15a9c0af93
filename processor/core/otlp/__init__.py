"""What OTLP itself says: its encodings and its compression."""
