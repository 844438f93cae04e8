# Apache Kafka's own jars on Debian's Java behind the official image's conventions:
# `KAFKA_*`, `CLUSTER_ID`, programs in `/opt/kafka/bin`, user `appuser` (1000).
FROM debian:bookworm-slim
RUN groupadd -g 1000 appuser && useradd -u 1000 -g appuser -d /home/appuser -m -s /bin/bash appuser
COPY host /host
RUN /host/install-packages openjdk-17-jre-headless
COPY libs /opt/kafka/libs
COPY kafka.tool /opt/kafka/bin/.tool
COPY kafka.entrypoint /etc/kafka/docker/run
RUN cd /opt/kafka/bin && \
    for name in server-start storage topics consumer-groups broker-api-versions console-producer console-consumer; do \
    ln -s .tool "kafka-$name.sh"; done && \
    install -d -o appuser -g appuser /var/lib/kafka/data /mnt/shared/config /etc/kafka/secrets
# As the official image does: the classes of the formatting and of a young broker, so that both start in half the time.
COPY kafka.archive /opt/kafka/bin/.archive
RUN /opt/kafka/bin/.archive
USER appuser
EXPOSE 9092
VOLUME ["/etc/kafka/secrets", "/var/lib/kafka/data", "/mnt/shared/config"]
CMD ["/etc/kafka/docker/run"]
