"""The stages of fetching a token: an error at the deadline names what the work was waiting for."""

from enum import Enum, auto


class Stage(Enum):
    """What a fetch is doing."""

    PREPARING = auto()
    """Reading files and importing modules."""
    WAITING = auto()
    """Waiting for another process that fetches the same token."""
    CREDENTIALS = auto()
    """Getting AWS credentials from a file, a process or a service."""
    PROMPT = auto()
    """Waiting for the user's MFA code."""
    REQUEST = auto()
    """Waiting for the response of the ECR API."""
    RESPONSE = auto()
    """Processing that response."""
