"""The configuration files of Docker and podman, and the fallback helper for other registries."""
