"""The man page and the reference page match the command table."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import man_page
from tests.commands import checked


@pytest.mark.parametrize(("path", "make"), [
    (man_page.MAN_PAGE, man_page.man_page), (man_page.REFERENCE, man_page.reference),
], ids=["man page", "reference"])  # fmt: skip
def test_generated_pages_match_the_command_table(path: Path, make: Callable[[], str]) -> None:
    assert path.read_text(encoding="utf-8") == make(), "run: python -m tests.man_page"


@pytest.mark.skipif(not shutil.which("man"), reason="no man")
def test_the_man_page_is_one_that_man_can_show() -> None:
    done = checked(["man", "--warnings", "-l", man_page.MAN_PAGE])
    assert done.stderr == ""
    assert "configure" in done.stdout


def test_lines_that_look_like_roff_requests_are_escaped() -> None:
    assert man_page.roff(".TH -x \\") == "\\&.TH \\-x \\\\"
