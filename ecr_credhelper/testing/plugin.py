"""The pytest plugin: ``pytest_plugins = ["ecr_credhelper.testing.plugin"]`` in ``conftest.py``."""

from typing import TYPE_CHECKING

import pytest

from ecr_credhelper.testing import FakeECR, isolated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def fake_ecr(tmp_path_factory: "pytest.TempPathFactory") -> "Iterator[FakeECR]":
    """Serve a fake of Amazon ECR, and make this process use it with an empty home directory.

    ``fake_ecr.calls`` are the calls so far, ``fake_ecr.lifetime`` is the lifetime of the next tokens in
    seconds, and ``fake_ecr.faults.append(Fault.aws("AccessDeniedException"))`` makes the next call fail.
    """
    home: Path = tmp_path_factory.mktemp("home")
    with FakeECR() as api, isolated(api, home):
        yield api
