"""Clients that talk to the registries themselves."""

import json
import re
from collections.abc import Sequence

from tests.e2e.clients import Client, Library, layer
from tests.e2e.home import Home


class Podman(Client):
    """Keeps images in a store of its own, here in the home folder."""

    name = "podman"
    programs = ("podman",)

    def push(self, home: Home, references: Sequence[str]) -> None:
        for reference in references:
            home.run("podman", "import", "-", reference, stdin=layer(reference))
            home.run("podman", "push", reference)
            home.run("podman", "rmi", reference)

    def pull(self, home: Home, references: Sequence[str]) -> list[str]:
        for reference in references:
            home.run("podman", "pull", reference)
        return home.run("podman", "image", "inspect", "--format={{.Digest}}", *references).stdout.split()


class Skopeo(Client):
    """Copies from registry to folder and back, and looks without copying."""

    name = "skopeo"
    programs = ("skopeo",)

    def push(self, home: Home, references: Sequence[str]) -> None:
        for reference in references:
            tar = home.write("layer.tar", layer(reference))
            home.run("skopeo", "copy", f"tarball:{tar}", f"docker://{reference}")

    def pull(self, home: Home, references: Sequence[str]) -> list[str]:
        return [self._copy(home, reference) for reference in references]

    def _copy(self, home: Home, reference: str) -> str:
        """Copy to a folder, and return the digest there, which ``inspect`` must see too."""
        folder = home.folder / "copies" / reference.partition("/")[0]
        folder.parent.mkdir(exist_ok=True)
        home.run("skopeo", "copy", f"docker://{reference}", f"oci:{folder}")
        copied: str = json.loads((folder / "index.json").read_text())["manifests"][0]["digest"]
        inspect = ("skopeo", "inspect", "--format={{.Digest}}")
        seen = home.run(*inspect, f"docker://{reference}").stdout.strip()
        return copied if copied == seen else f"{copied}, but inspect saw {seen}"


class Buildah(Client):
    """Builds step by step: what it pulls is what a build begins from."""

    name = "buildah"
    programs = ("buildah",)

    def push(self, home: Home, references: Sequence[str]) -> None:
        for reference in references:
            tar = home.write("layer.tar", layer(reference))
            container = home.run("buildah", "from", "scratch").stdout.strip()
            home.run("buildah", "add", container, str(tar))
            home.run("buildah", "commit", "--rm", container, reference)
            home.run("buildah", "push", reference)
            home.run("buildah", "rmi", reference)

    def pull(self, home: Home, references: Sequence[str]) -> list[str]:
        return [self._begin(home, reference) for reference in references]

    def _begin(self, home: Home, reference: str) -> str:
        """Begin a build from an image, and return the digest of what it begins from."""
        container = home.run("buildah", "from", "--quiet", reference).stdout.strip()
        return home.run("buildah", "inspect", "--format={{.FromImageDigest}}", container).stdout.strip()


class OrasPy(Library):
    """Pushes and pulls any file: here what is an image's layer to others."""

    name = "oras-py"
    programs = ()
    package = "oras"
    refusal = re.compile("'BasicAuth' object has no attribute '_basic_auth'")
