"""No secret reaches the log of a program that logs everything."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest

from ecr_credhelper import get_credentials
from ecr_credhelper.aws.logs import LOGGERS, secrets_hidden
from ecr_credhelper.testing.fake_ecr import FakeECR
from tests.conftest import HOST
from tests.fake_sts import FakeSTS

PROFILES = """\
[profile role]
role_arn = arn:aws:iam::111122223333:role/puller
source_profile = keys
[profile sso]
sso_session = corporate
sso_account_id = 111122223333
sso_role_name = puller
[sso-session corporate]
sso_region = us-west-2
sso_start_url = https://corporate.awsapps.com/start
[profile keys]
aws_access_key_id = {0.access_key}
aws_secret_access_key = {0.secret_key}
aws_session_token = session-token-of-the-source
"""


@pytest.mark.parametrize("profile", ["role", "sso", "keys"])
def test_the_log_contains_no_secret(
    profile: str, aws: FakeECR, home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (home / ".aws").mkdir()
    (home / ".aws/config").write_text(PROFILES.format(aws))
    caplog.set_level(logging.DEBUG)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with FakeSTS(aws.identities) as sts:
        for name, value in sts.environment.items():
            monkeypatch.setenv(name, value)
        sts.log_in(home, "corporate")
        password = get_credentials(HOST, profile=profile).password
    assert "botocore" in caplog.text
    secrets = [password, "session-token-of-the-source", *aws.identities.values(), sts.sso_token]
    assert not [secret for secret in secrets if secret in caplog.text]


@pytest.mark.parametrize("with_threads", [True, False])
def test_only_debug_messages_of_this_thread_are_hidden(
    with_threads: bool, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(logging, "logThreads", with_threads)  # a documented option for speed
    logger = logging.getLogger(LOGGERS[0])
    with secrets_hidden(), secrets_hidden():
        logger.debug("hidden")
        logger.warning("a warning")
        thread = threading.Thread(target=logger.debug, args=("of another thread",))
        thread.start()
        thread.join()
    logger.debug("afterwards")
    assert caplog.messages == ["a warning", "of another thread", "afterwards"]
