#!/bin/bash
# /opt/trafficserver/bin/traffic_manager of the image `trafficserver` in KubeFATE's exchange: runs traffic_server.
# In the image /etc/trafficserver and /opt/trafficserver/etc/trafficserver are one directory: the chart mounts
# into both, and names `sni/sni.yaml` and the key relative to it. So the second is linked into the first. The
# diagnostics go to the container's output, and the process stays the user that it is.
set -eu

root=$(mktemp -d)
mkdir -p "$root"/{log,run,cache}
ln -sfn /opt/trafficserver/etc/trafficserver/* /etc/trafficserver/

cat > "$root/runroot.yaml" <<END
prefix: /usr
exec_prefix: /usr
bindir: /usr/bin
sbindir: /usr/bin
sysconfdir: /etc/trafficserver
datadir: $root/cache
includedir: /usr/include
libdir: /usr/lib/trafficserver
libexecdir: /usr/lib/trafficserver/modules
localstatedir: $root/run
runtimedir: $root/run
logdir: $root/log
cachedir: $root/cache
END

export PROXY_CONFIG_ADMIN_USER_ID='#-1' PROXY_CONFIG_DIAGS_LOGFILE_FILENAME=stderr PROXY_CONFIG_CRASH_LOG_HELPER=''
exec traffic_server --run-root="$root/runroot.yaml"
