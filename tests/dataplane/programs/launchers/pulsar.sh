#!/bin/bash
# /pulsar/bin/pulsar of the image `pulsar`, for `standalone` alone. Follows apache/pulsar, bin/pulsar and
# conf/pulsar_env.sh (2.10): the variables PULSAR_MEM, PULSAR_GC, PULSAR_EXTRA_OPTS, PULSAR_EXTRA_CLASSPATH,
# PULSAR_STANDALONE_CONF and PULSAR_LOG_CONF, the files below conf, and the working directory.
# KUBEFATE_TESTS_JAVA comes last of Java's options, so that it wins and the others are still read.
set -eu

home=$(cd -P "$(dirname "$0")/.." && pwd)
export PULSAR_HOME=$home BK_HOME=$home
if [ -f "$home/conf/bkenv.sh" ]; then . "$home/conf/bkenv.sh"; fi
if [ -f "$home/conf/pulsar_env.sh" ]; then . "$home/conf/pulsar_env.sh"; fi

if [ "${1:-}" != standalone ]; then
  echo "pulsar: only 'standalone' runs here, not '${1:-}'" >&2
  exit 1
fi
shift

conf=${PULSAR_STANDALONE_CONF:-$home/conf/standalone.conf}
log_conf=${PULSAR_LOG_CONF:-$home/conf/log4j2.xml}
opens='java.base/java.io java.base/java.util.zip java.base/java.nio java.base/jdk.internal.misc java.base/sun.net
  java.base/jdk.internal.platform java.management/sun.management jdk.management/com.sun.management.internal'
options=()
for name in $opens; do options+=(--add-opens "$name=ALL-UNNAMED"); done
metadata=org.apache.pulsar.metadata.bookkeeper

cd "$home"
# shellcheck disable=SC2086 # words
exec java -cp "$(dirname "$log_conf"):$home/lib/*:${PULSAR_EXTRA_CLASSPATH:-}" \
  -Dlog4j.configurationFile="$(basename "$log_conf")" -Dlog4j.shutdownHookEnabled=false -Dlog4j2.is.webapp=false \
  -Djute.maxbuffer=10485760 -Djava.net.preferIPv4Stack=true -Dio.netty.tryReflectionSetAccessible=true \
  -Dzookeeper.4lw.commands.whitelist='*' -Dzookeeper.snapshot.trust.empty=true \
  -Dbookkeeper.metadata.bookie.drivers=$metadata.PulsarMetadataBookieDriver \
  -Dbookkeeper.metadata.client.drivers=$metadata.PulsarMetadataClientDriver \
  "${options[@]}" ${PULSAR_MEM:--Xms2g -Xmx2g -XX:MaxDirectMemorySize=4g} \
  ${PULSAR_GC:--XX:+UseG1GC -XX:MaxGCPauseMillis=10} \
  ${PULSAR_EXTRA_OPTS:--Dpulsar.allocator.exit_on_oom=true -Dio.netty.recycler.maxCapacityPerThread=4096} \
  ${KUBEFATE_TESTS_JAVA:-} org.apache.pulsar.PulsarStandaloneStarter --config "$conf" "$@"
