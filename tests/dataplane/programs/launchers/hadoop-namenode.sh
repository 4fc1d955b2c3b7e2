#!/bin/bash
# /run.sh of `hadoop-namenode` (big-data-europe/docker-hadoop): formats an empty directory under the name
# CLUSTER_NAME, then runs the NameNode. Not exec, as there: the shell is process 1.
directory=${HDFS_CONF_dfs_namenode_name_dir#file://}
[ -d "$directory" ] || { echo "Namenode name directory not found: $directory"; exit 2; }
[ -n "$CLUSTER_NAME" ] || { echo 'Cluster name not specified'; exit 2; }

rm -rf "$directory/lost+found"
if [ -z "$(ls -A "$directory")" ]; then
  echo "Formatting namenode name directory: $directory"
  "$HADOOP_HOME/bin/hdfs" --config "$HADOOP_CONF_DIR" namenode -format "$CLUSTER_NAME"
fi

"$HADOOP_HOME/bin/hdfs" --config "$HADOOP_CONF_DIR" namenode
