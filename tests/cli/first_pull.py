"""Helpers for tests of configure: profiles of several SSO accounts, and a user at a terminal."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path

from tests import systems
from tests.commands import with_limit
from tests.conftest import Result
from tests.terminals import Session
from tests.terminals import converse as talk

PROFILES = """\
[sso-session s]
sso_start_url = https://example.invalid/start
sso_region = us-east-1
sso_registration_scopes = sso:account:access
[profile dev]
sso_session = s
sso_account_id = 111122223333
sso_role_name = dev
region = us-west-2
[profile prod]
sso_session = s
sso_account_id = 444455556666
sso_role_name = read
region = us-west-2
[profile prod-admin]
sso_session = s
sso_account_id = 444455556666
sso_role_name = admin
region = us-west-2
[profile other]
sso_session = expired
sso_account_id = 777788889999
sso_role_name = read
region = eu-west-1
[sso-session expired]
sso_start_url = https://example.invalid/other
sso_region = us-east-1
sso_registration_scopes = sso:account:access
"""
CHOICE = "Configure which registries?"
WHICH = "Use which profile?"
APPLY = "Apply these changes?"

PATIENT = with_limit("cli.verification", "TOTAL_SECONDS", 600)
"""The program with a time limit that a busy machine does not exceed."""

needs_pty = systems.terminals


def converse(*argv: str, answers: Sequence[tuple[str, str]], columns: int = 80) -> Session:
    return talk(*argv, answers=answers, columns=columns, program=PATIENT)


def plain(screen: str) -> str:
    """Return a screen without colour and without the progress that was shown meanwhile."""
    screen = re.sub(r"[^\n]*\r\x1b\[K", "", screen)
    return re.sub(r"\x1b\[\d+m", "", screen)


def rules(settings: Path) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = tomllib.loads(settings.read_text())["registry"]
    return found


def error_of(result: Result) -> str:
    """Return the error of a failed command."""
    assert result.status == 1, result
    return result.stderr.decode().splitlines()[-1]
