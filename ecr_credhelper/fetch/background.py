"""Start this program in the background.

In the last quarter of a token's lifetime, a get serves it and starts a process that fetches the next one. The
process is detached and has no standard streams. Clients that read the helper's output to its end therefore do
not wait for it, and it cannot prompt.
"""

import os
import subprocess
import sys
from typing import Any


def spawn(*arguments: str, needs_pythonpath: bool = False) -> None:
    """Start this program with some arguments, and do not wait for it.

    It ignores PYTHONPATH, which is meant for the parent's modules, unless this package was found through it.
    """
    # -P: import nothing from the working directory. It does not change, for relative paths in AWS variables.
    # -E: ignore PYTHONPATH, which stays set for credential processes.
    is_foreign = "PYTHONPATH" in os.environ and not needs_pythonpath
    command = [sys.executable, "-EP" if is_foreign else "-P", "-m", "ecr_credhelper", *arguments]
    detached: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":  # no console, no Ctrl-C
        detached = {"creationflags": subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP}
    try:
        subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **detached,
        )
    except OSError:
        return  # the current token is still valid, and the next attempt follows in a few minutes
