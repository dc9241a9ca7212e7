"""The four verbs: a request -> a reply. Standard input, environment, clock and spawner are parameters."""

import os

from ecr_credhelper import protocol, registry
from ecr_credhelper.cache import open_cache
from ecr_credhelper.errors import CredentialHelperError, ProtocolError
from ecr_credhelper.fingerprint import fingerprint
from ecr_credhelper.places import docker_config_file, settings_file
from ecr_credhelper.protocol import Reply

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import BinaryIO

    from ecr_credhelper.fallback import Fallback
    from ecr_credhelper.token import Token


class Helper:
    """Docker's credential helper for one process.

    ``environ`` are its environment variables, ``clock`` tells seconds since the epoch, ``spawn`` starts
    a refresh of a host's token in the background.
    """

    def __init__(
        self,
        environ: "Mapping[str, str]",
        clock: "Callable[[], float]",
        spawn: "Callable[[str], None]",
    ) -> None:
        self.environ = environ
        self.clock = clock
        self.spawn = spawn
        self.cache = open_cache(environ)

    def run(self, verb: str, stdin: "BinaryIO") -> Reply:
        """Return the reply to one verb of ``VERBS``; every error of ours becomes a reply."""
        try:
            return VERBS[verb](self, stdin)
        except ProtocolError as error:
            return Reply.refusal(error)
        except CredentialHelperError as error:
            return Reply.failure(error)

    def get(self, stdin: "BinaryIO") -> Reply:
        """Answer with the login of one registry: from the cache, else from AWS, or the fallback's."""
        request = protocol.read_request(stdin)
        server = protocol.server_in(request)
        wanted = registry.parse(server)
        if wanted is None:
            fallback = self._fallback()
            return fallback.get(server, request) if fallback else Reply.not_found()
        # A login that the person gave comes first, as everywhere in Docker.
        token = self.cache.login(wanted.host, self.clock()) or self._token(wanted)
        if token is None:
            return Reply.not_found()
        return Reply.credentials(server, token.username, token.password)

    def _token(self, wanted: registry.Registry) -> "Token | None":
        """Return the token that opens a registry; None where doing without one is better than an error."""
        identity = fingerprint(self.environ)
        now = self.clock()
        key = self.cache.route(wanted.host, identity)
        token = self.cache.token(key, now) if key else None
        if key and token and not token.is_due(now):
            if token.is_ageing(now) and self.cache.claim(key, token, token.attempt(now)):
                self.spawn(wanted.host)
            return token
        import gc
        import warnings

        warnings.simplefilter("ignore")  # some clients take anything on stderr for a failure
        gc.disable()  # what botocore loads stays until the process ends, soon: looking for garbage is 15 ms
        from ecr_credhelper import resolver

        try:
            return resolver.resolve(wanted, identity, self.cache, self.clock, expiring=token)
        except CredentialHelperError:
            if wanted.public:  # anonymous pulls work there, and an error would stop them
                return None
            raise

    def store(self, stdin: "BinaryIO") -> Reply:
        """Keep the login that a person gives for an ECR host, until the end that its password carries."""
        request = protocol.read_request(stdin)
        server, username, password = protocol.login_in(request)
        wanted = registry.parse(server)
        if wanted is None:
            from ecr_credhelper.fallback import Fallback

            return Fallback(self.environ).store(registry.host_of(server) or "the given server", request)
        if self.environ.get("AWS_ECR_IGNORE_CREDS_STORAGE") != "true":
            from ecr_credhelper.authorization import login_token

            self.cache.keep_login(wanted.host, login_token(username, password, self.clock()))
        return Reply()

    def erase(self, stdin: "BinaryIO") -> Reply:
        """Forget the login of one host and the tokens that served it, if there are any."""
        request = protocol.read_request(stdin)
        wanted = registry.parse(protocol.server_in(request))
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
        return Reply.listing({**others, **self.cache.hosts(fingerprint(self.environ), self.clock())})

    def _fallback(self) -> "Fallback | None":
        """Return the store for other registries, where a file of the person's could tell of one."""
        files = (settings_file(self.environ), docker_config_file(self.environ))
        if self.environ.get("ECR_CREDHELPER_CONFIG") or any(os.path.lexists(file or "") for file in files):
            from ecr_credhelper.fallback import Fallback

            return Fallback(self.environ)
        return None


VERBS = {"get": Helper.get, "store": Helper.store, "erase": Helper.erase, "list": Helper.list}
