"""What a client is to this test, and the small image that it pushes."""

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
    """Something that pushes images to registries and pulls them, logged in by the helper."""

    name: str
    programs: tuple[str, ...]
    """What it needs on PATH, its own program first."""

    refusal: ClassVar = re.compile(
        "unauthorized|no basic auth|authentication required|no AWS credentials", re.IGNORECASE
    )
    """What it says when a registry wants a login and it has none; the last is the helper's, without keys."""

    calls_per_region: ClassVar[int] = 1
    """How often its case, with a fresh cache, asks the API: once, since the cache answers after that."""

    def missing(self) -> list[str]:
        """Return what this machine lacks for this client."""
        return programs.missing(self.programs)

    def version(self) -> str:
        """Return the version that the program says it is."""
        answer = programs.run([self.programs[0], "--version"]).stdout
        found = re.search(r"\d+\.\d+(\.\d+)?", answer)
        return found[0] if found else "?"

    @abstractmethod
    def push(self, home: Home, references: Sequence[str]) -> None:
        """Push an image of one's own to each of ``references``, and keep no local copy."""

    @abstractmethod
    def pull(self, home: Home, references: Sequence[str]) -> list[str]:
        """Pull each of ``references``, and return the digests of what came."""


class Library(Client):
    """A Python package, in a program of its own: it takes its configuration from HOME."""

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
        # -P: the modules beside the script are not for it to import.
        command = (sys.executable, "-P", str(script), verb, reference)
        return home.run(*command, stdin=layer(reference)).stdout.strip()


def layer(content: str) -> bytes:
    """Return an image's layer: a tar file with one file, whose content makes it unlike every other."""
    data = content.encode()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo("hello.txt")
        entry.size = len(data)
        tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def digest_in(text: str, before: str) -> str:
    """Return the digest that ``text`` names right after ``before``."""
    found = re.search(rf"{re.escape(before)}(sha256:[0-9a-f]{{64}})", text)
    return found[1] if found else "none"
