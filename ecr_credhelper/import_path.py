"""The executable's import path: without PYTHONPATH, the script's directory and the working directory.

Nothing but ``os`` and ``sys`` is imported here, which every interpreter has loaded already.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def isolate() -> None:
    """Import nothing more from PYTHONPATH, the script's directory or, with ``-m``, the working directory.

    A parent's PYTHONPATH is for the parent's modules. The variable itself stays, for credential processes.
    An entry stays if this package was loaded from it, or if the interpreter has it without PYTHONPATH too.
    """
    given = _pythonpath()
    foreign = {_place(entry) for entry in given}
    if not sys.flags.safe_path:  # the interpreter has put one of these first
        script = os.path.dirname(_place(sys.argv[0], os.path.realpath))
        foreign |= {_place(sys.path[0])} & {script, _place("")}
    foreign -= {_package_place(), *_interpreters_places()}
    kept = [entry for entry in sys.path if _place(entry) not in foreign]
    if needs_pythonpath() and not any(os.path.isdir(os.path.join(entry, "botocore")) for entry in kept):
        # Our dependencies are in other entries then: Nix and Bazel have one for each. These come last, where
        # they hide no module of the interpreter's, without those that depend on the working directory.
        absolute = {_place(entry) for entry in given if os.path.isabs(entry)}
        kept += [entry for entry in sys.path if entry not in kept and _place(entry) in absolute]
    sys.path[:] = kept


def _pythonpath() -> list[str]:
    """Return the entries of PYTHONPATH, if the interpreter has heeded it."""
    given = "" if sys.flags.ignore_environment else os.environ.get("PYTHONPATH", "")
    return given.split(os.pathsep) if given else []


def needs_pythonpath() -> bool:
    """Return whether this package was loaded from an entry of PYTHONPATH, and is nowhere else."""
    package = _package_place()
    return any(_place(entry) == package for entry in _pythonpath()) and package not in _interpreters_places()


def _package_place() -> str:
    return _place(os.path.dirname(os.path.dirname(__file__)))


def _interpreters_places() -> list[str]:
    """Return the directories that the interpreter imports from without PYTHONPATH."""
    library = os.path.dirname(os.__file__)
    found = [library, os.path.join(library, "lib-dynload")]
    if site := sys.modules.get("site"):  # missing with -S
        found += site.getsitepackages()
        found += [site.USER_SITE] if site.ENABLE_USER_SITE else []
    return [_place(one) for one in found]


def _place(entry: str, path_of: "Callable[[str], str]" = os.path.abspath) -> str:
    """Return an entry of an import path in the form in which ``site`` compares them."""
    try:
        return os.path.normcase(path_of(entry))
    except (OSError, TypeError):  # the working directory has gone; what a .pth file has added is no text
        return entry
