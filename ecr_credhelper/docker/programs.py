"""Find programs on PATH."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def which(name: str, environ: "Mapping[str, str]") -> str | None:
    """Return the path of a program, or None. Relative directories in PATH are not searched."""
    directories = filter(os.path.isabs, environ.get("PATH", os.defpath).split(os.pathsep))
    suffixes = (".exe", ".cmd", ".bat") if os.name == "nt" else ("",)
    paths = (os.path.join(directory, name + suffix) for directory in directories for suffix in suffixes)
    return next((path for path in paths if os.path.isfile(path) and os.access(path, os.X_OK)), None)
