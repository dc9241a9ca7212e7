"""Find the CA certificates of this system, and let a botocore client trust them.

botocore trusts a bundle of its own unless a file is configured. The system's store also has the CA of a
company's proxy. Where it has a directory in OpenSSL's form, OpenSSL reads only the certificate that it needs,
which saves the 20 to 40 ms for a whole bundle.

As for OpenSSL and Go, SSL_CERT_FILE replaces the system's file and SSL_CERT_DIR its directory. Each client of
our sessions is changed for itself. The ``ssl`` module and the sessions of a program stay as they are.
"""

import os
import re
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from ecr_credhelper.aws.threads import load_system_name
from ecr_credhelper.files import is_special

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DIRECTORIES = (
    "/etc/ssl/certs",  # Debian, Alpine, Arch, openSUSE, FreeBSD
    "/etc/pki/ca-trust/extracted/pem/directory-hash",  # Fedora
    "/etc/pki/tls/certs",  # Red Hat
)
"""Directories of certificates on systems other than macOS and Windows."""

FILES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Alpine, Arch, NixOS
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # Fedora, Red Hat
    "/etc/pki/tls/certs/ca-bundle.crt",  # Amazon Linux 2
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # FreeBSD, OpenWrt
)
"""Files with all certificates on these systems."""

NATIVE = {"darwin": "macOS", "win32": "Windows"}
"""The systems whose store is not made of files."""

HASHED = re.compile(r"[0-9a-f]{8}\.\d+")
"""The names by which OpenSSL looks certificates up in a directory."""

UNKNOWN_CA = re.compile(r"(?i)self[- ]signed certificate|unable to get|not trusted")
"""In the text of an error: the loaded certificates do not include the CA."""

NATIVE_ERRORS = {
    0x800B0101: "not within its validity period",  # CERT_E_EXPIRED
    0x800B0109: "certificate is not trusted",  # CERT_E_UNTRUSTEDROOT
    0x800B010A: "certificate is not trusted",  # CERT_E_CHAINING
    0x800B010F: "hostname mismatch",  # CERT_E_CN_NO_MATCH
    0x800B0112: "certificate is not trusted",  # CERT_E_UNTRUSTEDCA
    -67602: "hostname mismatch",  # errSecHostNameMismatch
    -67818: "certificate has expired",  # errSecCertificateExpired
    -67819: "certificate is not yet valid",  # errSecCertificateNotValidYet
    -67843: "certificate is not trusted",  # errSecNotTrusted
}
"""Why Windows and macOS reject a certificate, by number: their texts are in the language of the user."""

is_executable = False
"""Whether this process is the executable, and not a program that uses the library."""


class Store(NamedTuple):
    """CA certificates: the system's own store, a directory in OpenSSL's form, and a file.

    The file is read only if the others do not have the CA. ``native`` is the name of the system, or empty.
    """

    native: str = ""
    directory: str = ""
    file: str = ""


def system_store(environ: "Mapping[str, str]", platform: str = sys.platform) -> Store | None:
    """Return the system's CA certificates, or None if there are none or this botocore cannot use them."""
    from botocore.httpsession import URLLib3Session

    if not hasattr(URLLib3Session, "_setup_ssl_cert"):
        return None
    file = environ.get("SSL_CERT_FILE", "")
    if platform in NATIVE:
        return Store(NATIVE[platform], file=_first_file([file])) if _has_truststore() else None
    import ssl

    paths = ssl.get_default_verify_paths()  # can name a directory of the machine that built this Python
    directory = environ.get("SSL_CERT_DIR", "")
    if not any(map(os.path.isdir, directory.split(os.pathsep))):
        directory = _first_directory([*DIRECTORIES, paths.openssl_capath])
    store = Store("", directory, _first_file([file, *FILES, paths.openssl_cafile]))
    return store if any(store) else None


def _has_truststore() -> bool:
    """Return whether the certificates of macOS and Windows can be used."""
    if not is_executable:  # a program decides itself about the libraries in it
        return False
    load_system_name()
    try:
        import truststore  # noqa: F401 - loading it shows whether it works here
    except ImportError:  # not installed, or an old macOS
        return False
    return True


def _first_directory(paths: "Iterable[str]") -> str:
    """Return the first directory with certificates in OpenSSL's form."""
    for path in paths:
        try:
            if any(map(HASHED.fullmatch, os.listdir(path))):
                return path
        except OSError:
            continue
    return ""


def _first_file(paths: "Iterable[str]") -> str:
    """Return the first regular file that can be read and is not empty."""
    return next((path for path in paths if _is_usable(path)), "")


def files_without_hash(directories: str) -> list[str]:
    """Return the files in directories that are not in OpenSSL's form, which looks up hashed names only.

    A user can name such a directory in SSL_CERT_DIR, of which Go reads every file.
    """
    found = []
    for directory in filter(None, directories.split(os.pathsep)):
        with suppress(OSError):
            names = sorted(os.listdir(directory))
            if not any(map(HASHED.fullmatch, names)):
                found += [os.path.join(directory, name) for name in names]
    return list(filter(os.path.isfile, found))


def has_certificates(path: str) -> bool:
    """Return whether a file has certificates that can be loaded."""
    import ssl

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations("" if is_special(path) else path)
    except (OSError, ValueError):  # an SSLError is an OSError
        return False
    return True


def _is_usable(path: str) -> bool:
    """Return whether a path is a regular file that can be read and is not empty."""
    return os.path.isfile(path) and os.access(path, os.R_OK) and os.path.getsize(path) > 0


def searchable_text(error: Exception) -> str:
    """Return a text in which patterns find the cause of an exception of botocore.

    For a number in NATIVE_ERRORS, it is the text there; otherwise the text of the exception and of its cause.
    """
    cause = getattr(error, "kwargs", {}).get("error")
    text = f"{error} {cause!r}"
    while isinstance(cause, Exception) and not hasattr(cause, "verify_code"):
        cause = cause.__context__
    return NATIVE_ERRORS.get(getattr(cause, "verify_code", 0), text)


def trust_system(client: "Any") -> None:
    """Make a botocore client trust the system's certificates instead of botocore's bundle.

    botocore's ``verify`` takes one file only, so this replaces the private method that sets the certificates
    of a connection, on this client only. With another version of botocore, its bundle is used.
    """
    store = system_store(os.environ)
    if store:
        _Override(store).install(client)


class _Override:
    """Sets the certificates of a client's connections. Loads the file if the others do not have the CA."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._needs_file = not (store.native or store.directory)

    def install(self, client: "Any") -> None:
        """Replace two methods of the client's HTTP session, if they are there."""
        try:
            http = client._endpoint.http_session  # noqa: SLF001 - see trust_system
            self._botocores_send = http.send
            self._botocores_method = http._setup_ssl_cert  # noqa: SLF001 - likewise
            self._new_context = http._get_ssl_context  # noqa: SLF001 - likewise
        except AttributeError:  # another version of botocore
            return
        http._setup_ssl_cert, http.send = self._set_certificates, self._send  # noqa: SLF001 - likewise

    def _set_certificates(self, pool: "Any", *arguments: object) -> None:
        self._botocores_method(pool, *arguments)
        if not getattr(pool, "ca_certs", None) or not hasattr(pool, "ca_cert_dir"):
            return  # plain HTTP, or another version of urllib3
        pool.ca_certs = self._store.file if self._needs_file else None
        pool.ca_cert_dir = self._store.directory or None
        if self._needs_file:
            # On macOS and Windows, this context replaces that of truststore. Elsewhere, OpenSSL must not use
            # the context again: if it has read a certificate from the directory, it does not find another one
            # with the same subject.
            pool.conn_kw["ssl_context"] = self._new_context()
        elif self._store.native:
            pool.conn_kw["ssl_context"] = _native_context()
        if files := files_without_hash(self._store.directory):
            pool.conn_kw["ssl_context"] = context = self._new_context()
            for file in files:
                with suppress(OSError):  # not every file has certificates
                    context.load_verify_locations(file)

    def _send(self, request: "Any") -> "Any":
        """Send a request. If the CA is unknown, nothing was sent: load the file and try again."""
        from botocore.exceptions import ConnectionError as FailedConnection

        had_file = self._needs_file
        try:
            return self._botocores_send(request)
        except FailedConnection as error:
            if had_file or not self._store.file or not UNKNOWN_CA.search(searchable_text(error)):
                raise
            self._needs_file = True
        return self._botocores_send(request)


def _native_context() -> "Any":
    """Return a TLS context that asks macOS or Windows about certificates."""
    import ssl

    import truststore

    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
