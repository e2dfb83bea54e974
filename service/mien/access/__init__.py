"""Who may use the service: API keys, their file, and the addresses that need them."""
