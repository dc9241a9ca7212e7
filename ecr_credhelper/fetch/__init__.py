"""A cache miss: find or fetch a token under one deadline, and keep the cache bounded."""
