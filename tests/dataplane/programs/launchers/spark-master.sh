#!/bin/bash
# /master.sh of FATE-Builder's image `spark-master`, which follows big-data-europe/docker-spark 2.4.1: the
# master binds to its host name, takes ports and directory from SPARK_MASTER_*, and logs into a file that is
# the container's output. Not exec, as there: the shell is process 1.
export SPARK_MASTER_HOST=${SPARK_MASTER_HOST:-$(hostname)}
export SPARK_HOME=/spark

. /spark/sbin/spark-config.sh
. /spark/bin/load-spark-env.sh

mkdir -p "$SPARK_MASTER_LOG"
ln -sf /dev/stdout "$SPARK_MASTER_LOG/spark-master.out"

cd /spark/bin && /spark/bin/spark-class org.apache.spark.deploy.master.Master \
  --ip "$SPARK_MASTER_HOST" --port "$SPARK_MASTER_PORT" --webui-port "$SPARK_MASTER_WEBUI_PORT" \
  >> "$SPARK_MASTER_LOG/spark-master.out"
