"""Fixtures for the tests of the commands."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def config(home: Path) -> Path:
    """Return the path of Docker's configuration file."""
    return home / ".docker" / "config.json"
