#!/bin/bash
# /entrypoint.sh of `hadoop-namenode` and `hadoop-datanode`, which are big-data-europe/docker-hadoop's: turns
# CORE_CONF_*, HDFS_CONF_*, .. into properties of the XML files (`___` is `-`, `__` is `_`, `_` is `.`), waits
# for SERVICE_PRECONDITION, becomes the command. As there, a file that cannot be written (one that is mounted
# alone) stays as it is, with a message.
export CORE_CONF_fs_defaultFS=${CORE_CONF_fs_defaultFS:-hdfs://$(hostname -f):8020}

add_property() {
  local entry="<property><name>$2</name><value>$3</value></property>"
  sed -i "/<\/configuration>/ s/.*/${entry//\//\\/}\n&/" "$1"
}

configure() {
  local path=$1 prefix=$2 variable name
  echo "Configuring ${path##*/}"
  for variable in $(compgen -e | grep "^${prefix}_"); do
    name=$(echo "${variable#"${prefix}_"}" | sed 's/___/-/g; s/__/@/g; s/_/./g; s/@/_/g')
    echo " - Setting $name=${!variable}"
    add_property "$path" "$name" "${!variable}"
  done
}

wait_for() {
  local host=${1%%:*} port=${1#*:} try
  for try in $(seq 100); do
    (exec 3<> "/dev/tcp/$host/$port") 2> /dev/null && return
    echo "[$try/100] $1 is not available yet"
    sleep 5
  done
  echo "$1 is still not available; giving up"
  exit 1
}

for pair in core:CORE hdfs:HDFS yarn:YARN httpfs:HTTPFS kms:KMS mapred:MAPRED; do
  configure "/etc/hadoop/${pair%%:*}-site.xml" "${pair#*:}_CONF"
done

if [ "$MULTIHOMED_NETWORK" = 1 ]; then
  for service in rpc servicerpc http https; do
    add_property /etc/hadoop/hdfs-site.xml "dfs.namenode.$service-bind-host" 0.0.0.0
  done
  add_property /etc/hadoop/hdfs-site.xml dfs.client.use.datanode.hostname true
  add_property /etc/hadoop/hdfs-site.xml dfs.datanode.use.datanode.hostname true
fi

for service in $SERVICE_PRECONDITION; do wait_for "$service"; done

exec "$@"
