"""Refresh ahead: a token is renewed in the background before anybody has to wait for it.

In the last quarter of a token's life a get serves it and starts one process that fetches the next one.
That process is detached and has no standard streams, so that a client which waits for the end of the
helper's output does not wait for it, and nothing can ask a question.
"""

import os
import subprocess
import sys
from typing import Any


def spawn(*arguments: str, needs_pythonpath: bool = False) -> None:
    """Start a process of this program with some arguments, and do not wait for it.

    It ignores a PYTHONPATH, which is for the parent's modules, unless this package was found through it.
    """
    # -P: the working directory stays the same, for relative paths in AWS variables, and is not imported from.
    # -E: ignores PYTHONPATH, which stays in the environment for credential processes.
    is_foreign = "PYTHONPATH" in os.environ and not needs_pythonpath
    command = [sys.executable, "-EP" if is_foreign else "-P", "-m", "ecr_credhelper", *arguments]
    detached: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":  # without a console, and out of the reach of Ctrl-C
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
        return  # the answer does not depend on it, and the next try is a few minutes away
