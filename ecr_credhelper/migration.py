"""Logins that an older version stored: carried over into the present format, once.

The old files stay: the version that wrote them may still be in use.
"""

import os
from contextlib import suppress

from ecr_credhelper.files import is_private, make_private, read_private
from ecr_credhelper.records import Records

OLD_MAGIC, OLD_END = "ecr-credhelper 1", "end"
"""The first and the last line of a record in format 1, which lay directly in the cache's directory."""


def carry_over_logins(records: Records) -> None:
    """Copy the logins of format 1 into ``records``, which do not exist yet."""
    old = os.path.join(records.folder, "logins")
    if not is_private(records.folder) or not make_private(records.path()):
        return
    with suppress(OSError):
        for name in os.listdir(old):
            content = read_private(os.path.join(old, name)) or b""
            magic, *lines = content.decode("utf-8", "surrogateescape").split("\n")
            host, *login = lines[:-2] or [""]
            if magic == OLD_MAGIC and lines[-2:] == [OLD_END, ""] and login:
                records.write("logins", name, host, *login)
