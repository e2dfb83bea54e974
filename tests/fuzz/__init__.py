"""Fuzzing of the parsers that are our own: ``python -m tests.fuzz``, see there."""
