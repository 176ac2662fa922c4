# syntax=docker/dockerfile:1
# One image for every role: docker build -t icarus:local .

# ---- the dashboard and the SDK, which the binary contains (as `make web` does) ----
FROM node:22-bookworm-slim AS web
WORKDIR /src
COPY sdk/package.json sdk/package-lock.json sdk/.npmrc sdk/
COPY dashboard/package.json dashboard/package-lock.json dashboard/.npmrc dashboard/
RUN --mount=type=cache,target=/root/.npm \
    for room in sdk dashboard; do (cd $room && npm ci --no-audit --no-fund --loglevel=error) || exit 1; done
COPY sdk sdk
COPY dashboard dashboard
RUN cd sdk && npm run --silent build && cd ../dashboard && npm run --silent build

# ---- the binary; the image has the C compiler, make and OpenSSL's headers that librdkafka wants ----
FROM rust:1.92-bookworm AS binary
WORKDIR /src
COPY . .
COPY --from=web /src/sdk/dist sdk/dist
COPY --from=web /src/dashboard/dist dashboard/dist
# What is compiled stays in a cache that is no part of the image, so the binary is copied out of it.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --package icarus --features kafka-tls && \
    cp target/release/icarus /usr/local/bin/icarus

# ---- what runs ----
FROM debian:bookworm-slim
# TLS to the brokers and to ClickHouse, and the authorities that everybody trusts.
RUN apt-get update && \
    apt-get install --yes --no-install-recommends ca-certificates libssl3 zlib1g && \
    rm -rf /var/lib/apt/lists/*
# A new volume at /var/lib/icarus takes over the folder's owner.
RUN groupadd --gid 10001 icarus && \
    useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin icarus && \
    install --directory --owner=10001 --group=10001 --mode=0750 /var/lib/icarus
COPY --from=binary /usr/local/bin/icarus /usr/local/bin/icarus
USER 10001:10001
WORKDIR /var/lib/icarus
EXPOSE 7070
# A signal to stop reaches the process itself, which drains.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=6s --start-period=30s --retries=6 CMD ["icarus", "health"]
ENTRYPOINT ["icarus"]
CMD ["serve", "--listen", "0.0.0.0:7070", "--data-dir", "/var/lib/icarus"]
