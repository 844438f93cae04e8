# The lab's image from a binary that was built on this host: the last stage of `deploy/docker/Dockerfile`, and no more.
# The binary finds the C library of Debian 12 or of what is older than it, so build it there.
FROM debian:bookworm-slim
RUN groupadd -g 10001 lab && useradd -u 10001 -g lab -d /var/lib/lab -s /usr/sbin/nologin -m lab
COPY lab /usr/local/bin/lab
USER lab
WORKDIR /var/lib/lab
ENTRYPOINT ["lab"]
