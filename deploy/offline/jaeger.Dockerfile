# Jaeger 2 built from its Go module, behind the official image's conventions: `--config FILE`, user 10001.
# The module carries no web page: port 16686 answers the query API, and no more.
FROM debian:bookworm-slim
COPY jaeger /cmd/jaeger/jaeger-linux
# Without it Jaeger listens on the loopback of its own container.
ENV JAEGER_LISTEN_HOST=0.0.0.0
EXPOSE 4317 4318 16686 13133
VOLUME /tmp
USER 10001
ENTRYPOINT ["/cmd/jaeger/jaeger-linux"]
