"""Docker's and podman's configuration files, and the fallback helper for registries that are not ECR."""
