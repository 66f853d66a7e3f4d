# wrktalk and the programs it starts: helm, kubectl, docker with compose, PostgreSQL's client programs, age.
# docs/image.md tells how to build it, also without a network, and how to run it.

# Each may be another image, or be pinned to one: NAME:TAG@sha256:DIGEST.
ARG DEBIAN_IMAGE=debian:trixie-slim
ARG HELM_IMAGE=alpine/helm:4.1.4
ARG KUBECTL_IMAGE=rancher/kubectl:v1.35.2
ARG DOCKER_IMAGE=docker:28.5.2-cli

FROM ${HELM_IMAGE} AS helm
FROM ${KUBECTL_IMAGE} AS kubectl
FROM ${DOCKER_IMAGE} AS docker

FROM ${DEBIAN_IMAGE} AS build
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        g++ cmake ninja-build ccache pkg-config libcli11-dev libpqxx-dev libpq-dev libarchive-dev libspdlog-dev libfmt-dev \
        nlohmann-json3-dev libcurl4-openssl-dev libmicrohttpd-dev prometheus-cpp-dev libssl-dev libisal-dev zlib1g-dev libzstd-dev libyaml-dev libtomlplusplus-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
ENV CCACHE_DIR=/src/.ccache
RUN cmake --preset release && cmake --build --preset release && cmake --install build/release --strip --prefix /out/usr

FROM ${DEBIAN_IMAGE}
# libarchive, libcurl, libyaml, libmicrohttpd and prometheus-cpp are loaded when they are used: nothing else would bring them.
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        libarchive13t64 libcurl4t64 libisal2 libmicrohttpd12t64 libpq5 libprometheus-cpp-core1.0 libssl3t64 libyaml-0-2 libzstd1 zlib1g \
        age ca-certificates postgresql-client-17 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/apt /var/log/*.log \
    && groupadd --gid 65532 wrktalk \
    && useradd --uid 65532 --gid 65532 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin wrktalk
COPY --from=helm /usr/bin/helm /usr/local/bin/
COPY --from=kubectl /bin/kubectl /usr/local/bin/
COPY --from=docker /usr/local/bin/docker /usr/local/bin/
COPY --from=docker /usr/local/libexec/docker/cli-plugins/docker-compose /usr/local/libexec/docker/cli-plugins/
COPY LICENSE /usr/share/doc/wrktalk/
COPY --from=build /out /

# PostgreSQL's programs themselves, not Debian's choice among versions; /tmp is what may be written to.
ENV PATH=/usr/lib/postgresql/17/bin:/usr/local/bin:/usr/bin:/bin HOME=/tmp
USER 65532:65532
ENTRYPOINT ["wrktalk"]
CMD ["--help"]
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s CMD ["wrktalk", "health", "--max-age", "30s"]

ARG DEBIAN_IMAGE
ARG VERSION=0.1.0
ARG REVISION=
LABEL org.opencontainers.image.title="wrktalk" \
      org.opencontainers.image.description="Brings a vendor's releases to a customer's own site" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="${DEBIAN_IMAGE}"
