"""Remove PYTHONPATH, the script's directory and the working directory from the executable's import path.

This module imports only ``os`` and ``sys``, which every interpreter has already loaded.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def isolate() -> None:
    """Import nothing more from PYTHONPATH, the script's directory or, with ``-m``, the working directory.

    A parent process sets PYTHONPATH for its own modules. The variable itself stays set, for credential
    processes. An entry stays if it contains this package, or if the interpreter has it without PYTHONPATH.
    """
    pythonpath = _pythonpath()
    foreign = {_normalize(entry) for entry in pythonpath}
    if not sys.flags.safe_path:  # the interpreter has inserted the script's or the working directory
        script = os.path.dirname(_normalize(sys.argv[0], os.path.realpath))
        foreign |= {_normalize(sys.path[0])} & {script, _normalize("")}
    foreign -= {_package_directory(), *_interpreter_directories()}
    kept = [entry for entry in sys.path if _normalize(entry) not in foreign]
    if needs_pythonpath() and not any(os.path.isdir(os.path.join(entry, "botocore")) for entry in kept):
        # Our dependencies have other entries, as with Nix and Bazel. Append these, so that they cannot hide
        # a module of the interpreter. Skip relative entries, which depend on the working directory.
        absolute = {_normalize(entry) for entry in pythonpath if os.path.isabs(entry)}
        kept += [entry for entry in sys.path if entry not in kept and _normalize(entry) in absolute]
    sys.path[:] = kept


def _pythonpath() -> list[str]:
    """Return the entries of PYTHONPATH, unless the interpreter ignores the variable."""
    value = "" if sys.flags.ignore_environment else os.environ.get("PYTHONPATH", "")
    return value.split(os.pathsep) if value else []


def needs_pythonpath() -> bool:
    """Return whether this package is only importable through PYTHONPATH."""
    package = _package_directory()
    is_in_pythonpath = any(_normalize(entry) == package for entry in _pythonpath())
    return is_in_pythonpath and package not in _interpreter_directories()


def _package_directory() -> str:
    return _normalize(os.path.dirname(os.path.dirname(__file__)))


def _interpreter_directories() -> list[str]:
    """Return the directories from which the interpreter imports without PYTHONPATH."""
    library = os.path.dirname(os.__file__)
    directories = [library, os.path.join(library, "lib-dynload")]
    if site := sys.modules.get("site"):  # missing with -S
        directories += site.getsitepackages()
        directories += [site.USER_SITE] if site.ENABLE_USER_SITE else []
    return [_normalize(directory) for directory in directories]


def _normalize(entry: str, path_of: "Callable[[str], str]" = os.path.abspath) -> str:
    """Return an entry of an import path in the form in which ``site`` compares them."""
    try:
        return os.path.normcase(path_of(entry))
    except (OSError, TypeError):  # the working directory was removed, or a .pth file added a non-string
        return entry
