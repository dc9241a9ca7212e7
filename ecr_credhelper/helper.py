"""The four verbs: a request -> a reply. Standard input, environment, clock and spawner are parameters."""

import os

from ecr_credhelper import protocol, registry
from ecr_credhelper.cache import open_cache
from ecr_credhelper.errors import CredentialHelperError
from ecr_credhelper.fingerprint import fingerprint
from ecr_credhelper.places import docker_config_file, has_settings
from ecr_credhelper.protocol import Reply

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import BinaryIO

    from ecr_credhelper.fallback import Fallback
    from ecr_credhelper.resolver import Resolver
    from ecr_credhelper.settings import Settings
    from ecr_credhelper.token import Token


class Helper:
    """Docker's credential helper for one process.

    ``environ`` are its environment variables, ``clock`` tells seconds since the epoch, ``spawn`` starts
    a refresh of a host's token in the background.
    """

    def __init__(
        self, environ: "Mapping[str, str]", clock: "Callable[[], float]", spawn: "Callable[[str], None]"
    ) -> None:
        self.environ = environ
        self.clock = clock
        self.spawn = spawn
        self.log = _open_log(environ.get("ECR_CREDHELPER_LOG", ""))
        self.cache = open_cache(environ)
        self.fingerprint = fingerprint(environ)

    def run(self, verb: str, stdin: "BinaryIO") -> Reply:
        """Return the reply to one verb of ``VERBS``; every error of ours becomes a reply."""
        try:
            reply = VERBS[verb](self, stdin)
        except CredentialHelperError as error:
            self.log(f"error: {error}")
            reply = Reply.failure(error)
        self.log(f"{verb} ends with status {reply.status}")
        return reply

    def get(self, stdin: "BinaryIO") -> Reply:
        """Answer with the login of one registry: from the cache, else from AWS, or the fallback's."""
        request = protocol.read_request(stdin)
        server = protocol.server_in(request)
        wanted = registry.parse(server)
        host = wanted.host if wanted else self._custom_host(server)
        kind = f"ECR, region {wanted.region}" if wanted else "no ECR host"
        self.log(f"get {registry.host_of(server)}: {kind}")
        self.log(f"identity: {self.fingerprint.route}")
        # A login that the person gave comes first, as everywhere in Docker, and is served to its end.
        token = self.cache.login(host, self.clock()) if host else None
        if token:
            self.log(f"a login that was given for this host: {token}")
        elif host:
            token = self._cached(host)
            self.log(f"cache {self.cache.records.folder or 'off'}: {token or 'no valid token'}")
            if token is None or token.is_due(self.clock()):
                wanted = wanted or self._custom(server)
                token = self._resolve(wanted) if wanted else None
        if wanted is None and token is None:
            fallback = self._fallback()
            return fallback.get(server, request) if fallback else Reply.not_found()
        return Reply.credentials(server, token.username, token.password) if token else Reply.not_found()

    def store(self, stdin: "BinaryIO") -> Reply:
        """Keep the login that a person gives for an ECR host, until the end that its password carries."""
        request = protocol.read_request(stdin)
        server, username, password = protocol.login_in(request)
        wanted = registry.parse(server) or self._custom(server)
        if wanted is None:
            from ecr_credhelper.fallback import Fallback

            host = registry.host_of(server) or "the given server"
            return Fallback(self.environ, self._settings().fallback()).store(host, request)
        if self.environ.get("AWS_ECR_IGNORE_CREDS_STORAGE") != "true":
            from ecr_credhelper.authorization import login_token

            self.cache.keep_login(wanted.host, login_token(username, password, self.clock()))
        return Reply()

    def erase(self, stdin: "BinaryIO") -> Reply:
        """Forget the login of one host and the tokens that served it, if there are any."""
        request = protocol.read_request(stdin)
        server = protocol.server_in(request)
        wanted = registry.parse(server) or self._custom(server)
        if wanted is None:
            fallback = self._fallback()
            return fallback.erase(request) if fallback else Reply()
        self.cache.forget(wanted.host)
        return Reply()

    def list(self, stdin: "BinaryIO") -> Reply:  # noqa: ARG002 - a client may keep it open: it is not read
        """List the hosts that a ``get`` could serve from the cache right now, and those of the fallback."""
        try:
            fallback = self._fallback()
            others = fallback.hosts() if fallback else {}
        except CredentialHelperError:  # a client that gets no list drops every login that it has
            others = {}
        return Reply.listing({**others, **self.cache.hosts(self.fingerprint.route, self.clock())})

    def refresh(self, server: str) -> Reply:
        """Fetch the next token of a registry, if it is time to; silent, as nobody is there to be told."""
        try:
            wanted = registry.parse(server) or self._custom(server)
            if wanted:
                self._resolver().refresh(wanted)
        except CredentialHelperError as error:
            self.log(f"error: {error}")
            return Reply(status=1)  # whoever asks in the last minutes waits, and gets the reason
        return Reply(status=0 if wanted else 1)

    def _cached(self, host: str) -> "Token | None":
        """Return the valid token of a host, and let the next one be fetched when it is time to."""
        now = self.clock()
        key = self.cache.route(host, self.fingerprint.route)
        token = self.cache.token(key, now) if key else None
        is_ageing = token and token.is_ageing(now) and not token.is_due(now)
        if key and token and is_ageing and self.cache.claim(key, token, token.attempt(now)):
            self.log("the token is ageing: its refresh starts in the background")
            self.spawn(host)
        return token

    def _resolve(self, wanted: registry.Registry) -> "Token | None":
        """Return the token that opens a registry; None where going on without one beats an error."""
        import gc
        import warnings

        warnings.simplefilter("ignore")  # some clients take anything on stderr for a failure
        gc.disable()  # what botocore loads stays until the process ends, soon: looking for garbage is 15 ms
        resolver = self._resolver()
        try:
            return resolver.resolve(wanted)
        except CredentialHelperError:
            if resolver.wants_not_found(wanted):
                return None
            raise

    def _resolver(self) -> "Resolver":
        from ecr_credhelper.resolver import Resolver

        return Resolver(self._settings(), self.fingerprint, self.cache, self.clock, self.log)

    def _settings(self) -> "Settings":
        from ecr_credhelper import settings

        found = settings.load(self.environ)
        if self.log is str:
            self.log = _open_log(found.log)
        return found

    def _custom_host(self, server: str) -> str | None:
        """Return the host under which a registry of the person's own would be cached."""
        return registry.authority_of(server) if has_settings(self.environ) else None

    def _custom(self, server: str) -> registry.Registry | None:
        """Return the ECR registry that the settings say a host stands for."""
        return self._settings().registry(server) if has_settings(self.environ) else None

    def _fallback(self) -> "Fallback | None":
        """Return the store for other registries, where a file of the person's could tell of one."""
        if not has_settings(self.environ) and not os.path.lexists(docker_config_file(self.environ)):
            return None
        from ecr_credhelper.fallback import Fallback

        return Fallback(self.environ, self._settings().fallback())


def _open_log(where: str) -> "Callable[[str], object]":
    """Return what writes a line of the log to ``debug`` or a file; by default nothing does."""
    if not where:
        return str
    from ecr_credhelper.log import open_log

    return open_log(where)


VERBS = {"get": Helper.get, "store": Helper.store, "erase": Helper.erase, "list": Helper.list}
