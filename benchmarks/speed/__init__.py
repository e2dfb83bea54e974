"""What the service costs beside the work that it cannot avoid: ``python -m benchmarks.speed``."""
