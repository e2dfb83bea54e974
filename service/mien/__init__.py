"""Mien: self-hosted facial-emotion inference."""
