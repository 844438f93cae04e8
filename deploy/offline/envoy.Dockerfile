# Envoy's program behind the official image's conventions: `envoy ...`, `/etc/envoy/envoy.yaml`, user `envoy` (101).
FROM debian:bookworm-slim
RUN groupadd -r -g 101 envoy && useradd -r -u 101 -g envoy -d /nonexistent -s /usr/sbin/nologin envoy
COPY envoy /usr/local/bin/envoy
EXPOSE 10000
CMD ["envoy", "--config-path", "/etc/envoy/envoy.yaml"]
