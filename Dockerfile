# A share node of one organisation: `docker build -t osak-node .`
# Everything is at /opt/osak, owned by root; the node runs as 10001 and writes to /var/lib/osak alone, so the root
# file system may be read-only. What is in it stands in /opt/osak/sbom.cdx.json (CycloneDX; of Python, the base image
# has its own). Another base: `--build-arg BASE_IMAGE=…`, any image with Python 3.11 or newer as `python3`, and venv.
# It can use a node key that a token seals; the token's PKCS#11 library is its maker's, and comes in an image made FROM it.
ARG BASE_IMAGE=python:3.13-slim
# What the node runs on: the same Python at the same path, and no more is needed, neither a shell nor a package manager.
ARG RUN_IMAGE=${BASE_IMAGE}

FROM ${BASE_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
RUN python3 -m venv /opt/osak && python3 -m venv /opt/tools \
 && /opt/tools/bin/pip install --quiet "cyclonedx-bom>=7,<8"
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE CHANGELOG.md ./
COPY namespace namespace
COPY shares shares
COPY node node
COPY coordinator coordinator
COPY client client
# Without pip and setuptools afterwards: nothing of ours installs anything. Compiled here, since it cannot be later.
RUN /opt/osak/bin/pip install --quiet -c constraints.txt ".[node,hsm,traces]" \
 && /opt/osak/bin/pip uninstall --quiet --yes pip setuptools \
 && /opt/tools/bin/cyclonedx-py environment /opt/osak/bin/python --output-format JSON --output-file /opt/osak/sbom.cdx.json \
 && python3 -m compileall -q /opt/osak/lib

FROM ${RUN_IMAGE}
LABEL org.opencontainers.image.title="osak-node" \
      org.opencontainers.image.description="One organisation's share server for CDOC2 containers" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.documentation="https://github.com/osak-project/osak/tree/main/docs"
COPY --from=build /opt/osak /opt/osak
# An empty folder of the node's own: a volume that is mounted there for the first time gets its owner.
COPY --from=build --chown=10001:10001 /src/namespace/osak/py.typed /var/lib/osak/.volume
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /var/lib/osak
VOLUME /var/lib/osak
EXPOSE 8443 9443
# No shell is needed: to make a node, `docker run … osak-node init …`; to look, `… osak-node audit verify …`.
ENTRYPOINT ["/opt/osak/bin/python", "-Im", "osak.node"]
CMD ["run", "-c", "/var/lib/osak/node/node.yaml"]
HEALTHCHECK --interval=15s --timeout=6s --start-period=20s --retries=3 \
  CMD ["/opt/osak/bin/python", "-Im", "osak.node", "health", "-c", "/var/lib/osak/node/node.yaml"]
STOPSIGNAL SIGTERM
