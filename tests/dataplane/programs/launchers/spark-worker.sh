#!/bin/bash
# /worker.sh of FATE-Builder's image `spark-worker`, which follows big-data-europe/docker-spark 2.4.1: the web
# port and the master's URL are arguments, all else the worker reads from SPARK_WORKER_* itself. Not exec, as
# there: the shell is process 1.
export SPARK_HOME=/spark

. /spark/sbin/spark-config.sh
. /spark/bin/load-spark-env.sh

mkdir -p "$SPARK_WORKER_LOG"
ln -sf /dev/stdout "$SPARK_WORKER_LOG/spark-worker.out"

/spark/bin/spark-class org.apache.spark.deploy.worker.Worker \
  --webui-port "$SPARK_WORKER_WEBUI_PORT" "$SPARK_MASTER" >> "$SPARK_WORKER_LOG/spark-worker.out"
