# Debian's PostgreSQL behind the official image's conventions: `POSTGRES_*`, `/docker-entrypoint-initdb.d`,
# data in `/var/lib/postgresql/data`, user `postgres` (999), `postgres -c name=value`.
FROM debian:bookworm-slim
RUN groupadd -r -g 999 postgres && \
    useradd -r -u 999 -g postgres -d /var/lib/postgresql -s /bin/bash postgres
# Debian would make a cluster of its own on installation: the entry point makes the one that is used.
RUN mkdir -p /etc/postgresql-common && echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
COPY host /host
RUN /host/install-packages postgresql-15 && \
    install -d -o postgres -g postgres -m 1777 /var/lib/postgresql/data && \
    install -d -o postgres -g postgres -m 3777 /var/run/postgresql && \
    install -d /docker-entrypoint-initdb.d
ENV PATH=$PATH:/usr/lib/postgresql/15/bin LANG=C.UTF-8 PGDATA=/var/lib/postgresql/data
# The official image listens on every interface of its container.
RUN sed -i "s/^#listen_addresses = 'localhost'/listen_addresses = '*'/" \
    /usr/share/postgresql/15/postgresql.conf.sample
COPY postgres.entrypoint /usr/local/bin/docker-entrypoint.sh
VOLUME /var/lib/postgresql/data
EXPOSE 5432
# To PostgreSQL, SIGINT means: end now, in order; SIGTERM would wait for every client to leave.
STOPSIGNAL SIGINT
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["postgres"]
