# Debian's Prometheus behind the official image's conventions: `/bin/prometheus`, `/etc/prometheus/prometheus.yml`,
# data in `/prometheus`, user `nobody`.
FROM debian:bookworm-slim
COPY host /host
# The base image's `/bin` is `/usr/bin`, so the program is where the official image has it.
RUN /host/install-packages prometheus && install -d -o nobody -g nogroup /prometheus
USER nobody
EXPOSE 9090
VOLUME /prometheus
WORKDIR /prometheus
ENTRYPOINT ["/bin/prometheus"]
CMD ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"]
