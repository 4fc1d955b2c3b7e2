#!/bin/bash
# bin/hdfs of Hadoop 3.2: the daemons and `dfs`, with the variables HADOOP_OPTS, HADOOP_HEAPSIZE_MAX and
# HDFS_*_OPTS. KUBEFATE_TESTS_JAVA comes last of Java's options, so that it wins and the others are still read.
set -eu

conf=${HADOOP_CONF_DIR:-/etc/hadoop}
if [ "${1:-}" = --config ]; then
  conf=$2
  shift 2
fi
command=${1:-}
shift || true
case "$command" in
  namenode) class=org.apache.hadoop.hdfs.server.namenode.NameNode options=${HDFS_NAMENODE_OPTS:-} ;;
  datanode) class=org.apache.hadoop.hdfs.server.datanode.DataNode options=${HDFS_DATANODE_OPTS:-} ;;
  dfs) class=org.apache.hadoop.fs.FsShell options=${HADOOP_CLIENT_OPTS:-} ;;
  *) echo "hdfs: only namenode, datanode and dfs run here, not '$command'" >&2; exit 1 ;;
esac

# shellcheck disable=SC2086 # words
exec java -cp "$conf:$HADOOP_HOME/lib/*" ${HADOOP_HEAPSIZE_MAX:+-Xmx$HADOOP_HEAPSIZE_MAX} \
  -Djava.net.preferIPv4Stack=true ${HADOOP_OPTS:-} $options ${KUBEFATE_TESTS_JAVA:-} "$class" "$@"
