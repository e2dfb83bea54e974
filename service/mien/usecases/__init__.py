"""Bytes or a file in, domain result and document out."""
