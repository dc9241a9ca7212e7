"""The man page and the reference page match the command table."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ecr_credhelper.cli import EXAMPLES
from ecr_credhelper.cli.arguments import parse
from ecr_credhelper.paths import cache_directory, settings_file
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
    titles = re.findall(r"^[A-Z][A-Z ]+$", done.stdout, re.MULTILINE)
    assert titles == [
        "NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "COMMANDS", "CREDENTIAL HELPER PROTOCOL", "EXIT STATUS",
        "ENVIRONMENT", "FILES", "EXAMPLES", "SEE ALSO",
    ]  # fmt: skip


def test_the_man_page_is_ascii() -> None:
    assert man_page.man_page().isascii(), "roff() must replace other characters"


@pytest.mark.parametrize(
    ("platform", "system"), [("linux", "Linux"), ("darwin", "macOS"), ("win32", "Windows")]
)
def test_the_files_of_every_system_are_where_the_code_looks(platform: str, system: str) -> None:
    """A path of Windows is compared by its end: here, its directories are not absolute."""
    home = os.path.expanduser("~")
    environ = {"USERPROFILE": home}
    documented = {what.partition(" (")[0]: path for path, what in man_page.files() if f"({system}" in what}
    for what, path in (
        ("settings file", settings_file(environ, platform)),
        ("cache directory", cache_directory(environ, platform)),
    ):
        default = documented[what].rpartition(" ")[2] if "otherwise" in documented[what] else documented[what]
        default = default.replace("\\", "/").replace("%USERPROFILE%", "~")
        assert Path(path or "") == Path(default.replace("~", home))


def test_examples_name_commands_and_are_labelled() -> None:
    for label, command, arguments in EXAMPLES:
        assert label[0].isupper()
        assert label[-1].isalnum()
        assert vars(parse([command, *arguments.split()]))["command"] == command


def test_lines_that_look_like_roff_requests_are_escaped() -> None:
    assert man_page.roff(".TH -x \\") == "\\&.TH \\-x \\e"
