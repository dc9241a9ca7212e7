"""The public API for Python programs: registry credentials as a value, and a provider that caches them."""
