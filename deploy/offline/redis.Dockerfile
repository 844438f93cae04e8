# Debian's Redis behind the official image's conventions: `/data`, user `redis` (999), `redis-server --flag value`.
FROM debian:bookworm-slim
RUN groupadd -r -g 999 redis && useradd -r -u 999 -g redis -d /data -s /usr/sbin/nologin redis
COPY host /host
RUN /host/install-packages redis-server && install -d -o redis -g redis /data
COPY redis.entrypoint /usr/local/bin/docker-entrypoint.sh
VOLUME /data
WORKDIR /data
EXPOSE 6379
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["redis-server"]
