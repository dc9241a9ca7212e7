# docs/where-it-runs/container-image.md explains the choices and has the commands for building and use.
# If the build context has a directory `wheelhouse` with wheels, pip installs from it, without a network.
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
WORKDIR /src
COPY LICENSE README.md pyproject.toml ./
COPY docs/man docs/man
COPY ecr_credhelper ecr_credhelper
# COPY fails if none of its sources exists, and `wheelhouse` is optional.
COPY LICENSE wheelhouse* wheelhouse/
# A login calls only the services whose data stays (SERVICES in ecr_credhelper/aws/loader.py); the others have 18 MB.
# The bytecode is valid at any modification time, because another builder can change the times of files.
RUN set -- . \
    && if ls wheelhouse/*.whl >/dev/null 2>&1; then \
        set -- --no-index --find-links wheelhouse docker-credential-ecr-py; \
    fi \
    && python3 -m venv --without-pip /opt/docker-credential-ecr-py \
    && python3 -m pip --python /opt/docker-credential-ecr-py install --no-cache-dir --no-compile \
        --disable-pip-version-check --root-user-action=ignore "$@" \
    && find /opt/docker-credential-ecr-py/lib/python3.*/site-packages/botocore/data -mindepth 1 -maxdepth 1 -type d \
        ! -name ecr ! -name ecr-public ! -name signin ! -name sso ! -name sso-oidc ! -name sts -exec rm -r {} + \
    && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/docker-credential-ecr-py/lib

FROM ${BASE}
LABEL org.opencontainers.image.title="docker-credential-ecr-py" \
    org.opencontainers.image.description="Docker credential helper for Amazon ECR" \
    org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/docker-credential-ecr-py /opt/docker-credential-ecr-py
# Any user (--user) can write to the home directory. The helper caches only in a private directory below it.
# Slim bases have no bytecode of the standard library, and no other user than root could write it.
RUN ln -s /opt/docker-credential-ecr-py/bin/docker-credential-ecr-py /usr/local/bin/ \
    && install -d -m 1777 /home/ecr /home/ecr/.cache \
    && python3 -m compileall -q --invalidation-mode unchecked-hash \
        -x '/(ensurepip|idlelib|lib2to3|site-packages|test|tests)/' \
        "$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"
ENV HOME=/home/ecr
USER 65532:65532
WORKDIR /home/ecr
CMD ["docker-credential-ecr-py", "--help"]
