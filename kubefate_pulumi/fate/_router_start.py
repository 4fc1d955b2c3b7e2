"""The start script of a router: it runs nginx, and makes nginx take up changed files."""

from typing import Final

from kubefate_pulumi.fate._router_layout import (
    BASE_DIR,
    HEALTH_DIR,
    INTERNAL_DIR,
    NGINX_CONF,
    PID_FILE,
    RESOLVER_CONF,
    ROUTES_DIR,
    RUN_DIR,
    TLS_DIR,
)

RELOAD_SECONDS: Final = 5
LINGER_SECONDS: Final = 5
DRAIN_SECONDS: Final = 30


def start_script() -> str:
    """Return the POSIX shell script; it needs `nginx`, `sha256sum`, `sed`, `grep`, `date` and `mv`.

    Environment variables, in seconds: `RELOAD_SECONDS` between two looks at the mounted files,
    `LINGER_SECONDS` between the signal to end and the end of listening, `DRAIN_SECONDS` for what is
    connected then.
    """
    return f"""\
#!/bin/sh
# Runs nginx, and reloads it when a mounted file changes. A file that nginx does not take leaves the old
# configuration in force, and is named in the log, in /status and in /metrics.
set -u

# Each connection is an open file, and so is the socket of each next hop. A container may start with 1024.
ulimit -n "$(ulimit -Hn)" 2>/dev/null || :

conf={BASE_DIR}/{NGINX_CONF}
{_FUNCTIONS}
{_MAIN}"""


_FUNCTIONS: Final = f"""
log() {{
  printf 'router time=%s %s\\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*" >&2
}}

# Of the names and contents of everything mounted that can change. Globs skip Kubernetes' own dot files.
checksum() {{
  for dir in {ROUTES_DIR} {TLS_DIR} {INTERNAL_DIR}; do
    [ ! -d "$dir" ] || sha256sum "$dir"/*
  done 2>/dev/null | sha256sum | cut -d ' ' -f 1
}}

check() {{
  nginx -t -q -e stderr -c "$conf" 2>&1
}}

# report ok|failed MESSAGE: what /status and /metrics say. Renamed into place, so that no half is read.
report() {{
  good=0
  if [ "$1" = ok ]; then
    good=1
    loaded_at=$(date +%s)
  fi
  {{
    printf 'state=%s\\nloaded=%s\\nloaded_at=%s\\nseen=%s\\n' "$1" "$loaded" "$loaded_at" "$seen"
    [ -z "$2" ] || printf '%s\\n' "$2"
  }} > {HEALTH_DIR}/.status
  {{
    printf '# TYPE kubefate_router_reload_success gauge\\nkubefate_router_reload_success %s\\n' "$good"
    printf '# TYPE kubefate_router_loaded_timestamp_seconds gauge\\n'
    printf 'kubefate_router_loaded_timestamp_seconds %s\\n' "$loaded_at"
  }} > {HEALTH_DIR}/.metrics
  mv {HEALTH_DIR}/.metrics {HEALTH_DIR}/metrics
  mv {HEALTH_DIR}/.status {HEALTH_DIR}/status
}}

# refuse MESSAGE: the files as seen are not taken. Said once, though looked at again: a name may come up.
refuse() {{
  [ "$refused" = "$seen" ] || log "event=refused files=$seen nginx -t: $1"
  refused=$seen
  report failed "$1"
}}

# nginx reads no /etc/resolv.conf. Only peers that are given by name need it.
write_resolver() {{
  servers=$(sed -n 's/^nameserver[[:space:]]*//p' /etc/resolv.conf |
    sed '/%/d; s/[[:space:]].*//; /:/s/.*/[&]/' | tr '\\n' ' ')
  ipv6=off
  # Scope 00 is a global address.
  ! grep -q ' 00 [0-9a-f]* *[^ ]*$' /proc/net/if_inet6 2>/dev/null || ipv6=on
  : > {RESOLVER_CONF}
  [ -z "$servers" ] || printf 'resolver %svalid=10s ipv6=%s;\\nresolver_timeout 5s;\\n' "$servers" "$ipv6" \\
    > {RESOLVER_CONF}
}}

# A signal ends the wait at once, a plain sleep would keep it back.
pause() {{
  sleep "$1" &
  wait $!
}}

running() {{
  kill -0 "$nginx" 2>/dev/null
}}

stop() {{
  log "event=stopping"
  pause "${{LINGER_SECONDS:-{LINGER_SECONDS}}}"
  kill -QUIT "$nginx"
  left=${{DRAIN_SECONDS:-{DRAIN_SECONDS}}}
  while running && [ "$left" -gt 0 ]; do
    pause 1
    left=$((left - 1))
  done
  ! running || kill -TERM "$nginx"
  wait "$nginx"
  exit 0
}}
"""

_MAIN: Final = f"""\
stopping= loaded= loaded_at=0 refused=
trap 'stopping=yes' TERM INT

mkdir -p {HEALTH_DIR}
# They outlive a container that was killed, and nginx does not bind a socket that is there.
rm -f {RUN_DIR}/*.sock {PID_FILE}
write_resolver

seen=$(checksum)
until message=$(check); do
  refuse "$message"
  pause "${{RELOAD_SECONDS:-{RELOAD_SECONDS}}}"
  [ -z "$stopping" ] || exit 0
  seen=$(checksum)
done
nginx -e stderr -c "$conf" &
nginx=$!
loaded=$seen
report ok ''
log "event=started files=$loaded"

while :; do
  pause "${{RELOAD_SECONDS:-{RELOAD_SECONDS}}}"
  [ -z "$stopping" ] || stop
  if ! running; then
    wait "$nginx"
    code=$?
    log "event=ended code=$code"
    # nginx ends by itself only when it cannot go on.
    exit $((code > 0 ? code : 1))
  fi
  seen=$(checksum)
  if [ "$seen" = "$loaded" ]; then
    [ -z "$refused" ] || report ok ''
    refused=
  elif message=$(check); then
    kill -HUP "$nginx"
    loaded=$seen refused=
    report ok ''
    log "event=reloaded files=$loaded"
  else
    refuse "$message"
  fi
done
"""
