"""The outside world, one thing in each package; none of them imports another."""
