"""Bytes or a file in, domain result out."""
