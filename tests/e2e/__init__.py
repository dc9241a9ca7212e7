"""The test of the whole: real clients push and pull through the installed helper.

``python -m tests.e2e`` starts, on one machine and with no way out of it, registry servers under Amazon
ECR host names and two that are not ECR, an engine and the fake ECR API. Then every client that people use
with ECR pushes an image and pulls it back, with nothing but this project's helper to log it in. Words on
the command line choose rows by client, registries or configuration: ``python -m tests.e2e podman public``.

``programs``      other people's programs, run within a time
``sandbox``       namespaces of its own, so that the machine is neither changed nor reached
``certificates``  the authority that all trust
``tokens``        the token server of the public registry
``registries``    who serves which name, and an independent look at what arrived
``paging``        a front of one of them, which gives lists of tags in pages as ECR does
``engine``        dockerd
``home``          a person's fresh home folder, and the files that tell clients of the helper
``second_store``  the store behind the helper, for logins that are not its own
``clients``       what a client is: ``engine_clients`` and ``daemonless_clients`` are them all
``report``        the rows
``cases``         the one way to try a client
``logins``        the other: with a login before and a logout after
``pages``         the programs of the documents
``recipes``       the third: such a program, as it stands
``fake_engine``   an engine that only records the logins that clients send it
``enumerating_clients``  clients that send it all logins that the helper lists
``cold_cases``    the fourth and fifth: with a cold cache, with the real engine and with the fake one
``metadata``      the metadata service of an EC2 instance
``rootfs``        base images, made from the programs of this machine
``image``         the container image of the Dockerfile
``image_cases``   its builds, and its uses: by a script on the host, in a CI job, in Kubernetes, copied
``table``         what is tried

Each knows only those above it.

Some clients are newer than Debian 12, for which ``.ci/run`` is made. Where they are missing, their rows say
so and do not fail. ``make newest`` runs them.

Clients that enumerate logins (they call ``list``, then ``get`` for every host) also run against the fake
engine, which listens on a unix socket in ``DOCKER_HOST``. It records the logins in the headers
``X-Registry-Config`` (build) and ``X-Registry-Auth`` (pull and push). Every transfer succeeds, and clients
that go on to create a container get an error. A row passes if the recorded logins are exactly the expected
ones: for each ECR host of the configuration, the user AWS and the token of the fake ECR API.
"""
