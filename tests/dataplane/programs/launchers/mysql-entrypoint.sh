#!/bin/bash
# Entrypoint of the image `mysql`, for MariaDB in MySQL's place. Follows docker-library/mysql,
# docker-entrypoint.sh (8.0): its variables, the order of its steps, and the state of the database afterwards.
set -eo pipefail
shopt -s nullglob

note() { printf '%s [%s] [Entrypoint]: %s\n' "$(date --rfc-3339=seconds)" "$1" "$2"; }
fail() { note ERROR "$1" >&2; exit 1; }

readonly DATADIR=/var/lib/mysql SOCKET=/var/run/mysqld/mysqld.sock

# NAME_FILE gives the value of NAME from a file.
from_file() {
  local name=$1 file="${1}_FILE"
  [ -z "${!name:-}" ] || [ -z "${!file:-}" ] || fail "Both $name and $file are set (but are exclusive)"
  local value=${!name:-${2:-}}
  [ -z "${!file:-}" ] || value=$(< "${!file}")
  export "$name=$value"
  unset "$file"
}

sql() {
  MYSQL_PWD=${root_is_set:+$MYSQL_ROOT_PASSWORD} \
    mysql --protocol=socket -uroot -hlocalhost --socket="$SOCKET" --comments "$@"
}

create_files() {
  note Note 'Initializing database files'
  mariadb-install-db --datadir="$DATADIR" --auth-root-authentication-method=normal --skip-test-db > /tmp/install ||
    { cat /tmp/install; fail 'Unable to initialize the database files.'; }
}

start_temporary() {
  note Note 'Starting temporary server'
  "$@" --skip-networking --socket="$SOCKET" &
  temporary=$!
  until mysqladmin ping --silent --socket="$SOCKET" 2> /dev/null; do
    kill -0 "$temporary" 2> /dev/null || fail 'Unable to start server.'
    sleep 0.1
  done
}

set_up() {
  # MySQL begins with root@localhost alone.
  sql --database=mysql <<-END
		DELETE FROM global_priv WHERE NOT (User = 'root' AND Host = 'localhost') AND User <> 'mariadb.sys';
		DELETE FROM proxies_priv WHERE Host <> 'localhost';
		FLUSH PRIVILEGES;
		ALTER USER 'root'@'localhost' IDENTIFIED BY '$MYSQL_ROOT_PASSWORD';
		GRANT ALL ON *.* TO 'root'@'localhost' WITH GRANT OPTION;
		FLUSH PRIVILEGES;
	END
  root_is_set=yes
  if [ -n "$MYSQL_ROOT_HOST" ] && [ "$MYSQL_ROOT_HOST" != localhost ]; then
    sql --database=mysql <<-END
			CREATE USER 'root'@'$MYSQL_ROOT_HOST' IDENTIFIED BY '$MYSQL_ROOT_PASSWORD';
			GRANT ALL ON *.* TO 'root'@'$MYSQL_ROOT_HOST' WITH GRANT OPTION;
		END
  fi
  if [ -n "$MYSQL_DATABASE" ]; then
    note Note "Creating database $MYSQL_DATABASE"
    sql --database=mysql <<< "CREATE DATABASE IF NOT EXISTS \`$MYSQL_DATABASE\`;"
  fi
  if [ -n "$MYSQL_USER" ] && [ -n "$MYSQL_PASSWORD" ]; then
    note Note "Creating user $MYSQL_USER"
    sql --database=mysql <<< "CREATE USER '$MYSQL_USER'@'%' IDENTIFIED BY '$MYSQL_PASSWORD';"
    [ -z "$MYSQL_DATABASE" ] ||
      sql --database=mysql <<< "GRANT ALL ON \`${MYSQL_DATABASE//_/\\_}\`.* TO '$MYSQL_USER'@'%';"
  fi
}

run_files() {
  local file
  for file; do
    case "$file" in
      *.sh) if [ -x "$file" ]; then "$file"; else . "$file"; fi ;;
      *.sql) sql ${MYSQL_DATABASE:+--database="$MYSQL_DATABASE"} < "$file" ;;
      *.sql.gz) gunzip -c "$file" | sql ${MYSQL_DATABASE:+--database="$MYSQL_DATABASE"} ;;
      *) note Warn "ignoring $file" >&2; continue ;;
    esac
    note Note "ran $file"
  done
}

[ "${1:0:1}" != - ] || set -- mysqld "$@"
if [ "${1:-}" = mysqld ]; then
  for name in MYSQL_DATABASE MYSQL_USER MYSQL_PASSWORD MYSQL_ROOT_PASSWORD; do from_file "$name"; done
  from_file MYSQL_ROOT_HOST '%'
  if [ "$(id -u)" = 0 ]; then
    chown -R mysql "$DATADIR" "$(dirname "$SOCKET")"
    exec setpriv --reuid=mysql --regid=mysql --clear-groups "$0" "$@"
  fi
  root_is_set=''
  if [ ! -d "$DATADIR/mysql" ]; then
    [ -n "$MYSQL_ROOT_PASSWORD$MYSQL_ALLOW_EMPTY_PASSWORD$MYSQL_RANDOM_ROOT_PASSWORD" ] ||
      fail 'Database is uninitialized and password option is not specified'
    [ "$MYSQL_USER" != root ] || fail 'MYSQL_USER="root": root cannot be the regular user'
    [ -z "$MYSQL_RANDOM_ROOT_PASSWORD" ] || MYSQL_ROOT_PASSWORD=$(openssl rand -base64 24)
    create_files
    start_temporary "$@"
    set_up
    run_files /docker-entrypoint-initdb.d/*
    note Note 'Stopping temporary server'
    kill "$temporary"
    wait "$temporary"
    note Note 'MySQL init process done. Ready for start up.'
  fi
fi
exec "$@"
