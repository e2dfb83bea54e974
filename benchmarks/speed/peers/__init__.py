"""The service and the Python API beside others, on the same pictures: ``python -m benchmarks.speed.peers``."""
