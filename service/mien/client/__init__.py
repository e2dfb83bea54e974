"""Mien on a server, for Python programs."""
