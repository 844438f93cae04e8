# The lab's image from a binary that was built on this host: the last stage of `deploy/docker/Dockerfile`, and no more.
# A binary needs the C library of the system that built it, or a newer one: build it on Debian 12 or older.
FROM debian:bookworm-slim
LABEL org.opencontainers.image.title="System Design Lab" \
    org.opencontainers.image.description="Architectures built, loaded, broken and compared with honest statistics" \
    org.opencontainers.image.version="0.1.0" \
    org.opencontainers.image.licenses="MIT OR Apache-2.0"
RUN groupadd --gid 10001 lab && \
    useradd --uid 10001 --gid lab --home-dir /var/lib/lab --create-home --shell /usr/sbin/nologin lab
COPY lab /usr/local/bin/lab
USER lab
WORKDIR /var/lib/lab
ENTRYPOINT ["lab"]
