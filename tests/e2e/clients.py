"""The interface of the clients, and the small image that they push."""

import importlib.util
import io
import re
import sys
import tarfile
from abc import ABC, abstractmethod
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import ClassVar

from tests.e2e import programs
from tests.e2e.home import Home


class Client(ABC):
    """A program that pushes and pulls images with logins from the helper."""

    name: str
    programs: tuple[str, ...]
    """The programs that it needs on PATH, its own first."""

    refusal: ClassVar = re.compile(
        "unauthorized|no basic auth|authentication required|no AWS credentials", re.IGNORECASE
    )
    """Its messages if it lacks a required login. The last one is that of the helper without keys."""

    calls_per_region: ClassVar[int] = 1
    """The number of API calls of its case, with an empty cache: one, because the token is cached then."""

    def missing(self) -> list[str]:
        """Return the programs that this machine lacks for this client."""
        return programs.missing(self.programs)

    def version(self) -> str:
        """Return the version that the program prints."""
        return programs.version_in(programs.run([self.programs[0], "--version"]).stdout)

    @abstractmethod
    def push(self, home: Home, references: Sequence[str]) -> None:
        """Push a different image to each of ``references``, and keep no local copy."""

    @abstractmethod
    def pull(self, home: Home, references: Sequence[str]) -> list[str]:
        """Pull each of ``references``, and return the digests of the pulled images."""


class Library(Client):
    """A Python package in a separate process: it reads its configuration from HOME."""

    package: str

    def missing(self) -> list[str]:
        absent = [] if importlib.util.find_spec(self.package) else [f"PyPI {self.package}"]
        return super().missing() + absent

    def version(self) -> str:
        return version(self.package)

    def push(self, home: Home, references: Sequence[str]) -> None:
        for reference in references:
            self._run(home, "push", reference)

    def pull(self, home: Home, references: Sequence[str]) -> list[str]:
        return [self._run(home, "pull", reference) for reference in references]

    def _run(self, home: Home, verb: str, reference: str) -> str:
        script = Path(__file__).with_name(f"with_{self.package}.py")
        # -P: the script must not import the modules in its directory.
        command = (sys.executable, "-P", str(script), verb, reference)
        return home.run(*command, stdin=layer(reference)).stdout.strip()


def layer(content: str) -> bytes:
    """Return a layer of an image: a tar file with one file, which has unique content."""
    data = content.encode()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo("hello.txt")
        entry.size = len(data)
        tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def digest_in(text: str, before: str) -> str:
    """Return the digest that follows ``before`` in ``text``."""
    found = re.search(rf"{re.escape(before)}(sha256:[0-9a-f]{{64}})", text)
    return found[1] if found else "none"
