#!/bin/sh
# Makes sure that the programs which the tests run are there: nginx with its stream module.
set -eu

found() {
  command -v nginx > /dev/null || return 1
  # Built in, or Debian's module.
  nginx -V 2>&1 | grep -q -- '--with-stream ' || test -e /usr/lib/nginx/modules/ngx_stream_module.so
}

PATH="$PATH:/usr/sbin:/usr/local/sbin"
found && exit 0

if ! command -v apt-get > /dev/null; then
  echo 'The tests need nginx with the stream module on PATH; please install it.' >&2
  exit 1
fi
sudo=''
if [ "$(id -u)" -ne 0 ]; then
  sudo='sudo'
fi
echo 'Installing nginx with its stream module for the tests' >&2
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq
$sudo apt-get install -y -qq --no-install-recommends nginx-light libnginx-mod-stream > /dev/null
found || { echo 'nginx was installed, but its stream module is not there.' >&2; exit 1; }
