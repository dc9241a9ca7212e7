"""The machine of a user, for the tests of causes and certificates."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from botocore.loaders import Loader

from ecr_credhelper.testing.fake_ecr import FakeECR
from tests.aws.causes import World
from tests.fake_sts import FakeSTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOADER = Loader()
"""botocore's loader, which parses the models of services: once for all causes, because that takes long."""


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[FakeECR, FakeSTS]]:
    """Start the APIs once: it takes longer to stop them than to create a cause."""
    with FakeECR() as api, FakeSTS(api.identities) as sts:
        yield api, sts


@pytest.fixture
def world(home: Path, servers: tuple[FakeECR, FakeSTS], monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr("botocore.session.create_loader", lambda _: LOADER)
    for server in servers:
        server.faults.clear()
        server.calls.clear()
    with ExitStack() as stack:
        yield World(home, *servers, monkeypatch, stack)
