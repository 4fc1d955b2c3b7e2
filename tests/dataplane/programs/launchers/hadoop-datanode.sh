#!/bin/bash
# /run.sh of `hadoop-datanode` (big-data-europe/docker-hadoop). Not exec, as there: the shell is process 1.
directory=${HDFS_CONF_dfs_datanode_data_dir#file://}
[ -d "$directory" ] || { echo "Datanode data directory not found: $directory"; exit 2; }

"$HADOOP_HOME/bin/hdfs" --config "$HADOOP_CONF_DIR" datanode
