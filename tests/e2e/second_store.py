"""A store for the logins of other registries: Debian's docker-credential-pass, with a key ring of its own.

The agent that gpg leaves running ends with the sandbox.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from tests.e2e.home import CREDS_STORE, REGISTRIES_CONF, Configuration, Home

FOLDER = ".password-store"
"""The directory of ``pass``."""

_NEW_KEY = ("gpg", "--batch", "--quiet", "--pinentry-mode=loopback", "--passphrase=", "--quick-generate-key")


@dataclass(frozen=True)
class WithPass(Configuration):
    """A configuration with ``pass`` in the home directory, and with a settings file that selects it."""

    programs: tuple[str, ...] = ("docker-credential-pass", "pass", "gpg")

    def write(self, home: Home, hosts: Iterable[str]) -> None:
        super().write(home, hosts)
        if not (home.folder / FOLDER).exists():
            home.run(*_NEW_KEY, "somebody", "future-default")
            home.run("pass", "init", "somebody")
            home.write(".config/ecr-credhelper/config.toml", 'fallback = "pass"\n')


CREDS_STORE_AND_PASS = WithPass("credsStore and pass", CREDS_STORE.file, CREDS_STORE.content)
REGISTRIES_CONF_AND_PASS = WithPass("registries.conf, pass", REGISTRIES_CONF.file, REGISTRIES_CONF.content)
