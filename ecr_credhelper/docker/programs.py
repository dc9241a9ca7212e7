"""Find programs on PATH."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def which(name: str, environ: "Mapping[str, str]") -> str | None:
    """Return the program of this name in an absolute folder of PATH: never one in the working directory."""
    directories = filter(os.path.isabs, environ.get("PATH", os.defpath).split(os.pathsep))
    suffixes = (".exe", ".cmd", ".bat") if os.name == "nt" else ("",)
    places = (os.path.join(directory, name + suffix) for directory in directories for suffix in suffixes)
    return next((place for place in places if os.path.isfile(place) and os.access(place, os.X_OK)), None)
