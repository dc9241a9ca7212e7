"""Fetch a token from AWS: sessions, the API client, its responses and its errors."""
