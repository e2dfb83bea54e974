"""Results as pictures and tables."""
