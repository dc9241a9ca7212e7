"""Logins that an older version stored: carried over into the present format, once.

The old files stay: the version that wrote them may still be in use.
"""

import os
import shutil
from typing import TYPE_CHECKING

from ecr_credhelper.files import is_private, make_private, read_private
from ecr_credhelper.records import FileStore

if TYPE_CHECKING:
    from collections.abc import Iterator

OLD_MAGIC, OLD_END = "ecr-credhelper 1", "end"
"""The first and the last line of a record in format 1, which lay directly in the cache's directory."""


def carry_over_logins(store: FileStore) -> None:
    """Copy the logins of format 1 into ``records``, which have none yet; all of them, or none.

    That version also stored its own tokens, when Docker handed them back. Those are not copied.
    """
    directories = (store.directory, store.path(), store.path("logins"))
    if not is_private(store.directory) or not all(map(make_private, directories)):
        return
    tokens = {tuple(lines[-2:]) for _, lines in _read_all(store.directory, "tokens")}
    try:
        for name, (host, *login) in _read_all(store.directory, "logins"):
            if tuple(login[-2:]) not in tokens:
                store.save("logins", name, host, *login)
    except OSError:
        shutil.rmtree(store.path("logins"), ignore_errors=True)


def _read_all(directory: str, kind: str) -> "Iterator[tuple[str, list[str]]]":
    """Yield file name and lines of every record of one kind in format 1."""
    try:
        names = os.listdir(os.path.join(directory, kind))
    except OSError:
        return
    for name in names:
        content = read_private(os.path.join(directory, kind, name)) or b""
        magic, *lines = content.decode("utf-8", "surrogateescape").split("\n")
        if magic == OLD_MAGIC and lines[-2:] == [OLD_END, ""] and lines[:-2]:
            yield name, lines[:-2]
