"""The check of the logins after configure: its time limit, and failures that only a broken machine has."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Never

import pytest

from ecr_credhelper.cli import verification
from ecr_credhelper.console import prompts
from ecr_credhelper.errors import CredentialsError
from ecr_credhelper.library.source import TokenSource
from ecr_credhelper.testing.fake_ecr import FakeECR
from tests.conftest import HOST, OTHER_REGION
from tests.console.test_terminal import Screen


def test_all_logins_share_one_time_limit(aws: FakeECR, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "TOTAL_SECONDS", 0.2)
    aws.gate.clear()
    screen = Screen(TERM="dumb", is_terminal=False)
    assert verification.verify([HOST, OTHER_REGION, OTHER_REGION], screen.terminal) == []
    assert screen.stderr.getvalue().splitlines() == [
        f"✗ {HOST:{len(OTHER_REGION)}}  no response within 0.2 s",
        f"  run: docker-credential-ecr-py doctor {HOST}",
        f"· {OTHER_REGION}  not checked (0.2 s are over)",
        f"· {OTHER_REGION}  not checked (0.2 s are over)",
    ]


def test_the_time_of_an_open_prompt_does_not_count(aws: FakeECR, monkeypatch: pytest.MonkeyPatch) -> None:
    polls = 0

    class Prompts(list[object]):
        """A prompt that is open until the fetch was looked at twice. Then AWS responds."""

        def __bool__(self) -> bool:
            nonlocal polls
            polls += 1
            if polls == 2:
                aws.gate.set()
            return True

    monkeypatch.setattr(prompts, "open_prompts", Prompts())
    aws.gate.clear()
    check = verification.LoginCheck(HOST)
    assert check.run(0.001) == 0.001
    assert (check.error, polls >= 2) == (None, True)


def test_a_login_is_checked_without_a_thread(aws: FakeECR, monkeypatch: pytest.MonkeyPatch) -> None:
    class Thread(threading.Thread):
        def start(self) -> Never:
            raise RuntimeError("can't start new thread")

    monkeypatch.setattr(verification, "threading", SimpleNamespace(Thread=Thread))
    check = verification.LoginCheck(HOST)
    check.run(600)
    assert check.error is None
    assert 11 * 3600 < check.seconds <= 12 * 3600
    assert len(aws.calls) == 1


@pytest.mark.parametrize(
    ("error", "lines"),
    [
        (CredentialsError(HOST, "no reason"), [f"✗ {HOST}  no reason"]),
        (
            KeyError("a secret"),
            [
                f"✗ {HOST}  internal error (KeyError)",
                "  please report this line and the command that you ran",
            ],
        ),
    ],
)
def test_a_failure_is_shown_with_its_hint(
    error: Exception, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Never:
        raise error

    monkeypatch.setattr(TokenSource, "registry", fail)
    screen = Screen(TERM="dumb")
    assert verification.verify([HOST], screen.terminal) == []
    assert screen.stderr.getvalue().splitlines() == lines
