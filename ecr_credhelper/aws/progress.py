"""The progress of a fetch: commands show what it waits for, and the error at its deadline names it."""

import time
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from ecr_credhelper.errors import CredentialHelperError

ECR_SERVICES = ("ecr", "ecr-public")
"""botocore's names of the two services in its events."""


AWS_SDK = "the AWS SDK"
"""What a fetch waits for before and after its requests: to import and to run the SDK."""


class Stage(Enum):
    """The current step of a fetch."""

    PREPARING = auto()
    """Reading files and importing modules."""
    WAITING = auto()
    """Waiting for another process that fetches the same token."""
    CREDENTIALS = auto()
    """Getting AWS credentials from a file, a process or a service."""
    PROMPT = auto()
    """Waiting for the user's MFA code."""
    REQUEST = auto()
    """Sending a request to AWS, again after each failure, and waiting for the response."""
    RESPONSE = auto()
    """Processing the token."""


class Progress:
    """The stage of a fetch, and the host and profile that it uses.

    ``host`` is that of the last request. ``requested_at`` is the monotonic time of its first attempt, in
    seconds. ``profile`` is that of the credentials, if any. ``explain`` translates an exception of botocore.
    """

    def __init__(self) -> None:
        self.stage = Stage.PREPARING
        self.host = ""
        self.profile = ""
        self.requested_at: float | None = None
        self.explain: Callable[[Exception], CredentialHelperError] | None = None
        self._attempts = 0
        self._failure: Exception | None = None
        self._service = ""

    @property
    def waits_for(self) -> str:
        """The host, the other process or the source of credentials that the fetch waits for."""
        match self.stage:
            case Stage.REQUEST:
                return self.host
            case Stage.WAITING:
                return "another process that fetches the same token"
            case Stage.CREDENTIALS:
                return f"the AWS credentials{f' of profile {self.profile}' if self.profile else ''}"
        return AWS_SDK

    @property
    def has_reached_ecr(self) -> bool:
        """Whether the AWS credentials are complete, so that the request to ECR was sent."""
        return self._service in ECR_SERVICES

    @property
    def failure(self) -> "CredentialHelperError | None":
        """The error of the last attempt, which botocore is going to repeat, or None."""
        return self.explain(self._failure) if self.explain and self._failure else None

    def watch(self, register: "Callable[[str, Callable[..., None]], object]") -> None:
        """Follow the events of a botocore session or client, whose ``register`` is given."""
        register("before-send", self._before_send)
        register("response-received", self._response_received)

    def _before_send(self, request: Any, event_name: str, **_: object) -> None:
        from urllib.parse import urlsplit

        self.stage = Stage.REQUEST
        self.host = urlsplit(request.url).hostname or ""
        self.requested_at = self.requested_at or time.monotonic()
        self._attempts += 1
        self._service = event_name.split(".")[1]

    def _response_received(
        self, parsed_response: Any, exception: Exception | None, event_name: str, **_: object
    ) -> None:
        if exception is None and "Error" not in parsed_response:
            self.stage = Stage.RESPONSE if self.has_reached_ecr else Stage.CREDENTIALS
            self._failure = self.requested_at = None
            self._attempts = 0
        else:
            from botocore.exceptions import ClientError

            if exception is None:  # botocore adds this only to the last response
                parsed_response["ResponseMetadata"]["RetryAttempts"] = self._attempts - 1
            self._failure = exception or ClientError(parsed_response, event_name.split(".")[2])
