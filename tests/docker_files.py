"""Run the commands that write configuration files in this process, and read and write such files."""

from __future__ import annotations

import io
import json
import os
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

from ecr_credhelper.cli.arguments import parser
from ecr_credhelper.console.terminal import Terminal
from tests.conftest import EXECUTABLE
from tests.terminals import Session

CORPUS = sorted(Path(__file__).with_name("data").joinpath("docker_configs").iterdir())
BACKUP = ".before-ecr-py"


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def here(*argv: str, typed: str | Screen | None = None) -> Session:
    """Run a command, on a terminal if input is typed. The screen shows standard output and standard error."""
    keyboard = Screen(typed) if isinstance(typed, str) else typed
    path = os.pathsep.join((str(Path(EXECUTABLE).parent), os.environ["PATH"]))
    screen, stdin = (Screen(), keyboard) if keyboard else (io.StringIO(), io.StringIO())
    options = parser(argv[:1]).parse_args(argv)
    terminal = Terminal(os.environ, stdin, screen, screen)
    with patch.dict(os.environ, PATH=path):
        status = import_module(f"ecr_credhelper.cli.{argv[0]}").run(options, terminal)
    return Session(status, screen.getvalue())


def write(path: Path, content: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def write_settings(home: Path, text: str) -> Path:
    return write(home / ".config/ecr-credhelper/config.toml", text)


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8-sig").strip() or "{}", parse_int=str, parse_float=str)


def tree(directory: Path) -> dict[str, bytes]:
    """Return the files in a directory and their content, without lock files."""
    files = (path for path in directory.rglob("*") if path.is_file() and path.parent.name != "locks")
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in files}
