"""Small programs that check or measure the repository; none of them ships with the service."""
