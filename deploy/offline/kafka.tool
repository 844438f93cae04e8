#!/usr/bin/env bash
# Every program of `/opt/kafka/bin` is a link to this file: the name says which class is run.
set -euo pipefail

# A tool's answer is not to be lost among its log lines; a server's log is its answer.
heap=-Xmx256M level=ERROR
case ${0##*/} in
kafka-server-start.sh) class=kafka.Kafka heap='-Xms1G -Xmx1G' level=${KAFKA_LOG4J_ROOT_LOGLEVEL:-INFO} ;;
kafka-storage.sh) class=kafka.tools.StorageTool ;;
kafka-topics.sh) class=org.apache.kafka.tools.TopicCommand ;;
kafka-consumer-groups.sh) class=org.apache.kafka.tools.consumer.group.ConsumerGroupCommand ;;
kafka-broker-api-versions.sh) class=org.apache.kafka.tools.BrokerApiVersionsCommand ;;
kafka-console-producer.sh) class=org.apache.kafka.tools.ConsoleProducer ;;
kafka-console-consumer.sh) class=org.apache.kafka.tools.consumer.ConsoleConsumer ;;
*)
    printf 'error: `%s` is not a Kafka program of this image\n' "${0##*/}" >&2
    exit 2
    ;;
esac

# Classes that lie ready, for the two programs that everybody waits for: `kafka.archive` makes them.
archive=/opt/kafka/${0##*/}.jsa
ready=
[ ! -r "$archive" ] || ready=-XX:SharedArchiveFile=$archive

performance='-server -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:InitiatingHeapOccupancyPercent=35'
# Options are words, as in the release's own scripts; Log4j's default configuration writes to the console.
# shellcheck disable=SC2086
exec java ${KAFKA_HEAP_OPTS:-$heap} ${KAFKA_JVM_PERFORMANCE_OPTS:-$performance} \
    -Dlog4j2.level="$level" $ready ${KAFKA_OPTS:-} \
    -cp '/opt/kafka/libs/*' "$class" "$@"
