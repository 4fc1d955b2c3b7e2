#!/bin/sh
# Makes sure that the programs which the tests run are there; does nothing where they are.
# Debian's packages only, and no service is started: the tests start what they need.
set -eu

PATH="$PATH:/usr/sbin:/sbin:/usr/local/sbin"
POLICY=/usr/sbin/policy-rc.d

has() { command -v "$1" > /dev/null; }

has_stream() {
  # Built in, or Debian's module.
  has nginx && { nginx -V 2>&1 | grep -q -- '--with-stream ' || test -e /usr/lib/nginx/modules/ngx_stream_module.so; }
}

has_java() {
  has java || return 1
  major=$(java -version 2>&1 | sed -n 's/^[^"]*version "\([0-9]*\).*/\1/p')
  test "${major:-0}" -ge 17
}

# Prints the packages that are missing, one on a line.
missing() {
  has_stream || printf '%s\n' nginx-light libnginx-mod-stream
  has traffic_server || echo trafficserver
  has mariadbd && has mysqladmin || echo mariadb-server
  has bwrap || echo bubblewrap
  has nft || echo nftables
  has dnsmasq || echo dnsmasq-base
  has ip || echo iproute2
  has nsenter && has setpriv || echo util-linux
  has curl || echo curl
  has_java || echo openjdk-17-jre-headless
  has mvn || echo maven
}

packages=$(missing)
test -n "$packages" || exit 0
list=$(echo "$packages" | tr '\n' ' ')

if ! has apt-get; then
  echo "The tests need programs that are not on PATH. Debian's packages of them: $list" >&2
  exit 1
fi
sudo=''
if [ "$(id -u)" -ne 0 ]; then
  has sudo || { echo "Neither root nor sudo: please install $list" >&2; exit 1; }
  sudo=sudo
fi

# Debian asks this file before it starts a service; 101 is "no". One that is there already comes back.
restore() {
  $sudo rm -f "$POLICY"
  test ! -e "$POLICY.kubefate" || $sudo mv "$POLICY.kubefate" "$POLICY"
}
trap restore EXIT
trap 'exit 130' INT TERM HUP
# A run that was killed may have left its own file; the one that it put aside counts.
test -e "$POLICY.kubefate" || test ! -e "$POLICY" || $sudo mv "$POLICY" "$POLICY.kubefate"
printf '#!/bin/sh\nexit 101\n' | $sudo tee "$POLICY" > /dev/null
$sudo chmod 755 "$POLICY"

echo "Installing for the tests: $list" >&2
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
# shellcheck disable=SC2086 # words
if ! { $sudo apt-get update -qq && $sudo apt-get install -y -qq --no-install-recommends $packages; } > "$log" 2>&1; then
  tail -n 20 "$log" >&2
  echo "apt-get could not install $list(its whole output: $log)" >&2
  exit 1
fi
rm -f "$log"

left=$(missing | tr '\n' ' ')
test -z "$left" || { echo "Installed, but still not on PATH: $left" >&2; exit 1; }
