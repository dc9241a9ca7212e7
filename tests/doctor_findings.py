"""Findings of ``doctor``, and the files that it reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple


class Report(NamedTuple):
    """The exit status and output of ``doctor --json``."""

    status: int
    content: dict[str, Any]

    def findings(self, check: str) -> list[tuple[str, str, str]]:
        """Return result, text and hint of the findings of one check."""
        findings = [one for one in self.content["findings"] if one["check"] == check]
        return [(one["result"], one["text"], one["hint"]) for one in findings]

    def finding(self, check: str) -> tuple[str, str, str]:
        """Return the only finding of a check."""
        (only,) = self.findings(check)
        return only


Doctor = Callable[..., Report]


def settings(home: Path, text: str) -> None:
    write(home / ".config/ecr-credhelper/config.toml", text)


def docker(home: Path, content: object) -> None:
    write(home / ".docker/config.json", json.dumps(content))


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
