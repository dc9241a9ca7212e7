"""Texts from outside: configuration files and the output of programs, whatever they contain."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_credhelper.aws import client, profiles
from ecr_credhelper.errors import CredentialHelperError
from ecr_credhelper.registry import parse
from tests import systems
from tests.conftest import HOST

if TYPE_CHECKING:
    from pathlib import Path

REGISTRY = parse(HOST)

LINES = st.sampled_from(
    (b"[default]", b"[profile a]", b"[a]", b'[profile "a', b"[]", b"[sso-session s]", b"role_arn = r",
     b"source_profile = a", b"source_profile = default",
     b"sso_session = s", b"sso_account_id = 1", b"services = x",
     b"credential_source = Environment", b"  x", b"x", b"=", b"\xff", b"\xef\xbb\xbf", b"\0", b"# c", b"")
)  # fmt: skip
"""Lines of a configuration file, some of them wrong."""


@given(st.lists(LINES, max_size=8), st.sampled_from(("", "a", "default")))
def test_any_configuration_file_leads_to_an_error_of_one_line(
    home: Path, lines: list[bytes], profile: str
) -> None:
    file = home / "config"
    file.write_bytes(b"\n".join(lines))
    assert REGISTRY
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_CONFIG_FILE", str(file))
        patch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        if profile:
            patch.setenv("AWS_PROFILE", profile)
        with pytest.raises(CredentialHelperError) as caught:
            client.fetch(REGISTRY, time.time)
    assert str(caught.value).startswith(f"{HOST}: ")
    assert "\n" not in str(caught.value)


@given(st.binary())
def test_any_bytes_can_be_read_as_sections(home: Path, content: bytes) -> None:
    file = home / "config"
    file.write_bytes(content)
    found = list(profiles.sections({"AWS_CONFIG_FILE": str(file), "HOME": str(home)}))
    assert len(found) <= content.count(b"[")


@systems.pipes
def test_a_pipe_is_not_read(home: Path) -> None:
    os.mkfifo(home / "config")
    assert list(profiles.sections({"AWS_CONFIG_FILE": str(home / "config"), "HOME": str(home)})) == []
