"""The four verbs: what arrives for one, and the reply. Standard streams, AWS and clocks are parameters."""

from ecr_credhelper import protocol, registry
from ecr_credhelper.cache import open_cache
from ecr_credhelper.errors import CredentialHelperError, ProtocolError, UnsupportedRegistryError
from ecr_credhelper.fingerprint import fingerprint
from ecr_credhelper.protocol import Reply

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import BinaryIO


def run(verb: str, stdin: "BinaryIO", environ: "Mapping[str, str]", clock: "Callable[[], float]") -> Reply:
    """Return the reply to one verb of ``VERBS``; every error of ours becomes a reply."""
    try:
        return VERBS[verb](stdin, environ, clock)
    except ProtocolError as error:
        return Reply.refusal(error)
    except CredentialHelperError as error:
        return Reply.failure(error)


def get(stdin: "BinaryIO", environ: "Mapping[str, str]", clock: "Callable[[], float]") -> Reply:
    """Answer with the login of one registry: from the cache, else from AWS."""
    server = protocol.read_server(stdin)
    wanted = registry.parse(server)
    if wanted is None:
        return Reply.not_found()
    cache = open_cache(environ)
    now = clock()
    login = cache.login(wanted.host, now)
    if login:  # the person's own comes first, as everywhere in Docker, and is never replaced by another
        return Reply.credentials(server, login.username, login.password)
    identity = fingerprint(environ)
    token = cache.find(wanted.host, identity, now)
    if token is None or token.is_due(now):
        import warnings

        warnings.simplefilter("ignore")  # some clients take anything on stderr for a failure
        from ecr_credhelper import resolver

        try:
            token = resolver.resolve(wanted, identity, cache, clock, expiring=token)
        except CredentialHelperError:
            if wanted.public:  # anonymous pulls work there, and an error would stop them
                return Reply.not_found()
            raise
    return Reply.credentials(server, token.username, token.password)


def store(stdin: "BinaryIO", environ: "Mapping[str, str]", clock: "Callable[[], float]") -> Reply:
    """Keep the login that a person gives for an ECR host, until the end that its password carries."""
    server, username, password = protocol.read_login(stdin)
    wanted = registry.parse(server)
    if wanted is None:
        # Not silently: Docker would print "Login Succeeded", and later pulls would be anonymous.
        raise UnsupportedRegistryError(
            registry.host_of(server) or "the given server",
            "not an Amazon ECR registry, and this helper keeps logins for those only",
            'name it for the ECR hosts alone, under "credHelpers" in ~/.docker/config.json, '
            'instead of "credsStore"',
        )
    if environ.get("AWS_ECR_IGNORE_CREDS_STORAGE") != "true":
        from ecr_credhelper.authorization import login_token

        login = login_token(username, password, clock())
        open_cache(environ).keep_login(wanted.host, login)
    return Reply()


def erase(stdin: "BinaryIO", environ: "Mapping[str, str]", clock: "Callable[[], float]") -> Reply:  # noqa: ARG001 - one form for all verbs
    """Forget the login of one host and the tokens that served it; what is not here is forgotten already."""
    wanted = registry.parse(protocol.read_server(stdin))
    if wanted is not None:
        open_cache(environ).forget(wanted.host)
    return Reply()


def listing(stdin: "BinaryIO", environ: "Mapping[str, str]", clock: "Callable[[], float]") -> Reply:  # noqa: ARG001 - list sends nothing of use
    """List the hosts that a ``get`` could serve from the cache right now; no network, no AWS."""
    return Reply.listing(open_cache(environ).hosts(fingerprint(environ), clock()))


VERBS = {"get": get, "store": store, "erase": erase, "list": listing}
