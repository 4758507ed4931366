# syntax=docker/dockerfile:1

# The binary is built on the Debian it runs on, so that both have the same C library.
FROM rust:1.95-slim-bookworm AS build
WORKDIR /build
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --release --locked && install -D target/release/vestibule /out/vestibule

FROM debian:bookworm-slim
# For mail over TLS and a database over TLS. Taken from the build image, so that nothing is installed here.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /build/LICENSE-MIT /build/LICENSE-APACHE /usr/share/doc/vestibule/
COPY --from=build /out/vestibule /usr/local/bin/vestibule
# The number is fixed, so that a mounted folder can be given to it. The volume takes over the folder's owner.
RUN groupadd --gid 10001 vestibule \
    && useradd --uid 10001 --gid vestibule --no-create-home --home-dir /data --shell /usr/sbin/nologin vestibule \
    && install --directory --owner=vestibule --group=vestibule --mode=0700 /data

USER 10001:10001
WORKDIR /data
ENV VESTIBULE_DATA_DIR=/data \
    VESTIBULE_SERVER__LISTEN=0.0.0.0:3000
VOLUME /data
EXPOSE 3000
# The binary asks itself at /health/ready: the image holds no other HTTP client.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 CMD ["vestibule", "health"]
ENTRYPOINT ["vestibule"]
CMD ["serve"]
