"""The man page and the reference page are what the command table says."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import manual


@pytest.mark.parametrize(("path", "make"), [
    (manual.MAN_PAGE, manual.man_page), (manual.REFERENCE, manual.reference),
], ids=["man page", "reference"])  # fmt: skip
def test_a_page_is_what_the_table_says(path: Path, make: Callable[[], str]) -> None:
    assert path.read_text(encoding="utf-8") == make(), "run: python -m tests.manual"


@pytest.mark.skipif(not shutil.which("man"), reason="no man")
def test_the_man_page_is_one_that_man_can_show() -> None:
    done = subprocess.run(
        ["man", "--warnings", "-l", str(manual.MAN_PAGE)], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert "configure" in done.stdout


def test_a_line_that_looks_like_a_request_is_text() -> None:
    assert manual.roff(".TH -x \\") == "\\&.TH \\-x \\\\"
