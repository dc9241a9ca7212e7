"""A token from AWS: sessions, the API client, and what its responses and errors mean."""
