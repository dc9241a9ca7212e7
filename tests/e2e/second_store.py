"""A store for the logins of other registries: Debian's docker-credential-pass, with a key ring of its own.

The agent that gpg leaves running ends with the sandbox.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from tests.e2e.home import CREDS_STORE, REGISTRIES_CONF, Configuration, Home

FOLDER = ".password-store"
"""Where ``pass`` keeps what it keeps."""

_NEW_KEY = ("gpg", "--batch", "--quiet", "--pinentry-mode=loopback", "--passphrase=", "--quick-generate-key")


@dataclass(frozen=True)
class WithPass(Configuration):
    """A configuration in whose home there is ``pass`` too, and a settings file that names it."""

    programs: tuple[str, ...] = ("docker-credential-pass", "pass", "gpg")

    def write(self, home: Home, hosts: Iterable[str]) -> None:
        super().write(home, hosts)
        if not (home.folder / FOLDER).exists():
            home.run(*_NEW_KEY, "somebody", "future-default")
            home.run("pass", "init", "somebody")
            home.write(".config/ecr-credhelper/config.toml", 'fallback = "pass"\n')


CREDS_STORE_AND_PASS = WithPass("credsStore and pass", CREDS_STORE.file, CREDS_STORE.content)
REGISTRIES_CONF_AND_PASS = WithPass("registries.conf, pass", REGISTRIES_CONF.file, REGISTRIES_CONF.content)
