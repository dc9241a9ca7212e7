"""Copy logins that an older version stored into the current format, once.

The old files stay, since the older version can still be in use.
"""

import os
import shutil
from typing import TYPE_CHECKING

from ecr_credhelper.files import is_private, make_private, read_private
from ecr_credhelper.records import FileStore

if TYPE_CHECKING:
    from collections.abc import Iterator

OLD_MAGIC, OLD_END = "ecr-credhelper 1", "end"
"""The first and the last line of a record in format 1, which has no directory of its own."""


def carry_over_logins(store: FileStore) -> None:
    """Copy the logins of format 1 into ``store``, which has no logins yet: all of them, or none.

    The older version also stored its own tokens as logins when Docker passed them back. Those are not copied.
    """
    if not is_private(store.directory):
        return
    tokens = {tuple(lines[-2:]) for _, lines in _read_all(store.directory, "tokens")}
    try:
        make_private(store.path("logins"))  # also without any login, so that this runs only once
        for name, (host, *login) in _read_all(store.directory, "logins"):
            if tuple(login[-2:]) not in tokens:
                store.write("logins", name, host, *login)
    except OSError:
        shutil.rmtree(store.path("logins"), ignore_errors=True)


def _read_all(directory: str, kind: str) -> "Iterator[tuple[str, list[str]]]":
    """Yield file name and lines of every record of a kind in format 1."""
    try:
        names = os.listdir(os.path.join(directory, kind))
    except OSError:
        return
    for name in names:
        content = read_private(os.path.join(directory, kind, name)) or b""
        magic, *lines = content.decode("utf-8", "surrogateescape").split("\n")
        if magic == OLD_MAGIC and lines[-2:] == [OLD_END, ""] and lines[:-2]:
            yield name, lines[:-2]
