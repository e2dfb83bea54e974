"""What an analysis gives in Python: frozen objects with the members of the HTTP API's documents."""
