"""Arguments and interruptions by the program that uses the library."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest

from ecr_credhelper import CredentialProvider, get_credentials, registry_host
from ecr_credhelper.testing.fake_ecr import FakeECR
from tests.conftest import HOST, until
from tests.docker_files import write


class TimeLimitError(Exception):
    """The error of a program's time limit, as in Celery."""


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="Windows has no such signal")
@pytest.mark.parametrize("error", [TimeLimitError, TimeoutError])
@pytest.mark.parametrize("has_token", [False, True])
def test_the_error_of_a_signal_handler_reaches_the_program(
    error: type[Exception], has_token: bool, aws: FakeECR
) -> None:
    def on_alarm(*_: object) -> None:
        raise error

    def interrupt_later() -> None:
        until(lambda: aws.requests == requests + 1)
        os.kill(os.getpid(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, on_alarm)
    clock = [time.time()]
    aws.clock = lambda: clock[0]
    try:
        with CredentialProvider(disk_cache=False, timer=lambda: clock[0]) as provider:
            if has_token:  # and it is in its last minutes, so that a caller waits for the next one
                provider.get_credentials(HOST)
                clock[0] += 12 * 3600 - 60
            requests = aws.requests
            aws.gate.clear()
            thread = threading.Thread(target=interrupt_later)
            thread.start()
            with pytest.raises(error):
                provider.get_credentials(HOST)
            aws.gate.set()
            thread.join()
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_the_region_of_an_account_is_that_of_the_session(
    aws: FakeECR, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = f"aws_access_key_id = {aws.access_key}\naws_secret_access_key = {aws.secret_key}\n"
    write(home / ".aws/config", f"[profile europe]\nregion = eu-west-2\n{keys}")
    monkeypatch.setenv("AWS_REGION", "us-east-2")
    session = boto3.Session(profile_name="europe")
    assert get_credentials(session=session).region == session.region_name == "eu-west-2"
    assert get_credentials("444455556666", session=session).region == "eu-west-2"
    with CredentialProvider(session=session) as provider:
        assert provider.get_credentials("444455556666").region == "eu-west-2"
    with CredentialProvider(session=session, region="eu-north-1") as provider:
        assert provider.get_credentials("444455556666").region == "eu-north-1"


class AsynchronousSession(botocore.session.Session):
    """A session like that of aiobotocore."""

    async def get_credentials(self, *_: object) -> None:  # type: ignore[override] # see above
        """Return nothing."""


@pytest.mark.parametrize("session", ["default", boto3, False, AsynchronousSession()])
def test_something_else_than_a_session_is_an_error_of_the_program(session: Any) -> None:
    with pytest.raises(TypeError, match="session must be a boto3 or botocore session, not "):
        get_credentials(HOST, session=session)


@pytest.mark.parametrize(("account", "region"), [(111122223333, "us-west-2"), ("111122223333", None)])
def test_registry_host_needs_strings(account: Any, region: Any) -> None:
    with pytest.raises(TypeError, match="account and region must be strings"):
        registry_host(account, region)
