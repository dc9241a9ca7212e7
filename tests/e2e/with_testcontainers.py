"""Build an image from a directory and start containers of other images with testcontainers.

A program of its own, as a person would write it. Arguments: the directory, what the fake engine answers to a
client that creates a container, and the images.
"""

import sys

from docker.errors import APIError
from testcontainers.core.container import DockerContainer
from testcontainers.core.image import DockerImage


def start(image: str, no_containers: str) -> None:
    """Start a container, which pulls the image; the engine must refuse no more than the container."""
    try:
        DockerContainer(image).start()
    except APIError as error:
        if no_containers not in str(error):
            raise


if __name__ == "__main__":
    directory, no_containers, *images = sys.argv[1:]
    DockerImage(directory).build()
    for image in images:
        start(image, no_containers)
