"""Log in and out with a client's own commands: where the login is stored, and which registries it opens."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.e2e import second_store
from tests.e2e.cases import Case, cell, same
from tests.e2e.home import Home
from tests.e2e.programs import ProgramError
from tests.e2e.registries import ECR, Registry
from tests.e2e.report import Row

REFUSED = "refused"
"""In place of keepers: the login fails, and one that was written earlier is not lost by it."""

_WAYS_OUT = ("fallback = ", "credHelpers")
"""The text that the user must see if a login is rejected."""

_FILES = {"config.json": ".docker/config.json", "auth.json": "run/containers/auth.json"}
"""The files in which clients write logins themselves, in clear text."""


@dataclass(frozen=True)
class LoginCase(Case):
    """One registry, and a login that opens it until the logout, with no AWS keys to help.

    ``kept_by`` are all that have the login then. ``asked`` is how often the helper asks AWS for a token
    before: podman and skopeo want the login that there is, to replace it.
    """

    kept_by: str
    asked: int

    def transfer(self, row: Row, home: Home, references: Sequence[str]) -> list[str]:
        (registry,) = self.registries
        self.configuration.write(home, [ecr.host for ecr in ECR])
        with cell(row, "kept", self.kept_by):
            self._refuse(home, registry) if self.kept_by == REFUSED else self._log_in(home, registry)
        with cell(row, "push"):
            self.client.push(home, references)
        with cell(row, "pull"):
            pulled = self.client.pull(home, references)
        home.run_silently(self.client.programs[0], "logout", registry.host)
        same("keepers after the logout", _keepers(home, registry), "")
        self.be_refused(row, home, references)
        return pulled

    def calls(self) -> Counter[str]:
        return Counter({region: self.asked for region in super().calls() if self.asked})

    def _log_in(self, home: Home, registry: Registry) -> None:
        self._type(home, registry)
        home.lose_keys()
        same("keepers", _keepers(home, registry), self.kept_by)

    def _refuse(self, home: Home, registry: Registry) -> None:
        before = _files(home)
        try:
            self._type(home, registry)
        except ProgramError as error:
            if not all(way in str(error) for way in _WAYS_OUT):
                raise
        else:
            raise ProgramError("logged in, but nothing can have kept the login")
        same("files after the refusal", _files(home), before)

    def _type(self, home: Home, registry: Registry) -> None:
        """Run the command of a user, with the password on standard input."""
        command = (self.client.programs[0], "login", f"--username={registry.user}", "--password-stdin")
        home.run_silently(*command, registry.host, stdin=registry.other_password(home.api).encode())


def _keepers(home: Home, registry: Registry) -> str:
    """Return the helpers and files that have a login for ``registry``."""
    helpers = ["ecr-py", *(["pass"] if (home.folder / second_store.FOLDER).exists() else [])]
    listed = {name: home.run_silently(f"docker-credential-{name}", "list") for name in helpers}
    users = {name: json.loads(answer).get(registry.host) for name, answer in listed.items()}
    written = {name: content.get("auths", {}).get(registry.host) for name, content in _files(home).items()}
    return "+".join(name for name, login in {**users, **written}.items() if login)


def _files(home: Home) -> dict[str, dict[str, dict[str, object]]]:
    """Return the content of the files in which clients store logins."""
    places = {name: home.folder / file for name, file in _FILES.items()}
    return {name: json.loads(place.read_text()) for name, place in places.items() if place.exists()}
