"""Registry logins for Amazon ECR: a Docker credential helper."""

__version__ = "0.1.0"
__all__ = ["__version__"]
