# Mien in a container: the service, its locked dependencies and both models; nothing is downloaded at run time.
#   docker build --tag mien .
#   docker run --rm --publish 127.0.0.1:8000:8000 --env MIEN_ALLOW_ANONYMOUS=yes mien
# It listens on 0.0.0.0 in its container, and so needs keys (MIEN_KEYS_FILE, MIEN_API_KEYS) or that word to start.

# The Python that the locks are tested on, pinned by tag. For a release, pin the digest as well:
# --build-arg PYTHON=python:3.11-slim-bookworm@sha256:...
ARG PYTHON=python:3.11-slim-bookworm

FROM ${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
# Without pip: the environment that the final stage copies cannot install anything.
RUN python -m venv --without-pip /opt/mien
# Before the source, so that an edit of the service does not reinstall its dependencies.
COPY requirements/build.txt requirements/base.txt requirements/
RUN python -m pip install --require-hashes --requirement requirements/build.txt \
    && python -m pip --python /opt/mien/bin/python install --only-binary :all: \
       --require-hashes --requirement requirements/base.txt
COPY pyproject.toml README.md ./
COPY service/ service/
COPY model_store/ model_store/
RUN python -m pip wheel --no-deps --no-build-isolation --no-index --wheel-dir wheels . \
    && python -m pip --python /opt/mien/bin/python install --no-deps --no-index wheels/*.whl

FROM ${PYTHON}
LABEL org.opencontainers.image.title="Mien" \
      org.opencontainers.image.description="Self-hosted facial-emotion inference"
# A service needs no installers; an intruder could use them.
RUN python -m pip uninstall --yes --root-user-action=ignore setuptools wheel pip
COPY --from=build /opt/mien /opt/mien
COPY deploy/healthcheck.py /opt/mien/healthcheck.py
# Where jobs are kept, if a volume is mounted here (it takes over the owner). Declared as none: a container that is
# read-only and has no volume keeps no jobs, instead of losing them with the container.
RUN install --directory --owner=10001 --group=10001 --mode=0700 /data
# HOME: the user has none of its own. Only /tmp and /data are ever written to: the root file system may be read-only.
ENV PATH=/opt/mien/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    MIEN_DATA_DIR=/data \
    MIEN_HOST=0.0.0.0 \
    MIEN_PORT=8000 \
    MIEN_LOG_FORMAT=json
WORKDIR /tmp
# Numeric, so that Kubernetes can verify runAsNonRoot.
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-I", "/opt/mien/healthcheck.py"]
ENTRYPOINT ["mien"]
CMD ["serve"]
