"""A certificate authority, and a certificate that it issues for the names of all servers."""

from collections.abc import Iterable

from tests.e2e import programs
from tests.e2e.sandbox import ROOT

CA = ROOT / "ca.pem"
"""The authority, which the clients and the engine trust."""

CERTIFICATE = ROOT / "server.pem"
KEY = ROOT / "server.key"


def certify(hosts: Iterable[str]) -> None:
    """Create the authority, and the certificate for ``hosts``."""
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc")
    request = ("openssl", "req", "-x509", "-days", "2", *key)
    ca_key = str(ROOT / "ca.key")
    authority = ("-subj", "/CN=authority", "-addext", "keyUsage=critical,keyCertSign")
    programs.run([*request, *authority, "-keyout", ca_key, "-out", str(CA)])
    names = ",".join(f"DNS:{host}" for host in hosts)
    extensions = ("-addext", f"subjectAltName={names}", "-addext", "basicConstraints=CA:FALSE")
    server = ("-subj", "/CN=registries", "-CA", str(CA), "-CAkey", ca_key, *extensions)
    programs.run([*request, *server, "-keyout", str(KEY), "-out", str(CERTIFICATE)])
