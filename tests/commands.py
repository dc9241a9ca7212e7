"""Run other programs in tests: a failed one shows what it wrote to standard error."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def checked(command: Sequence[str | Path], **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command that must succeed, and return what it wrote to both streams.

    ``subprocess.run(check=True, capture_output=True)`` raises an error that hides the reason.
    """
    done = subprocess.run(command, check=False, capture_output=True, text=True, **options)
    shown = " ".join(map(str, command))
    assert done.returncode == 0, f"exit status {done.returncode} of {shown}:\n{done.stderr}{done.stdout}"
    return done


def output_of(command: Sequence[str | Path], **options: Any) -> str:
    """Run a command that must succeed, and return what it wrote to standard output."""
    return checked(command, **options).stdout
