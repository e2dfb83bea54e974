"""Small programs that keep the repository honest; nothing here ships with the service."""
