"""The models in this process, for Python programs."""
