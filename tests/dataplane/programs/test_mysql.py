"""MariaDB in MySQL's place, started with the pod's variables."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from dataplane.programs import images
from dataplane.programs.sandbox import PATIENCE, Container, Network, network

from kubefate_pulumi.components.parts import mysql

PING = ("mysqladmin", "ping", "--host=127.0.0.1", "--silent")
"""The pod's probe (components/parts/mysql.py)."""


def variables(**changes: str | None) -> dict[str, str]:
    """Return the pod's variables."""
    env = {
        "MYSQL_DATABASE": mysql.DATABASE,
        "MYSQL_USER": mysql.USER,
        "MYSQL_ROOT_HOST": "localhost",
        "MYSQL_PASSWORD": "application-secret",
        "MYSQL_ROOT_PASSWORD": "root-secret",
        **changes,
    }
    return {name: value for name, value in env.items() if value is not None}


def start(net: Network, volume: Path, files: dict[str, str] | None = None, **changes: str | None) -> Container:
    run_as = (mysql.MYSQL_USER.user or 0, mysql.MYSQL_USER.group or 0)
    volume.mkdir(exist_ok=True)
    volume.chmod(0o777)
    volumes = {"/var/lib/mysql": volume}
    env = variables(**changes)
    return net.start("mysql", images.mysql(), env=env, volumes=volumes, files=files, user=run_as)


def ready(net: Network, server: Container) -> None:
    net.wait("the database answers", lambda: server.enter(PING).returncode == 0)


def query(net: Network, sql: str, *, user: str, password: str, database: str = "") -> str:
    """Return the rows, or the error, of a client on the network."""
    who = [f"--user={user}", f"--password={password}", f"--database={database}"]
    command = ["mariadb", "--no-defaults", "--host=127.0.0.1", *who, "-N", "-B"]
    done = net.run([*command, "-e", sql])
    return done.stdout if not done.returncode else done.stderr


@pytest.fixture
def net() -> Iterator[Network]:
    with network() as made:
        yield made


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Network, Container]]:
    with network() as made:
        server = start(made, made.root / "data")
        ready(made, server)
        yield made, server


def test_our_variables_make_a_database_for_the_application(served: tuple[Network, Container]) -> None:
    net, _ = served
    app = {"user": mysql.USER, "password": "application-secret"}
    assert query(net, "CREATE TABLE t (n INT); INSERT INTO t VALUES (7)", database=mysql.DATABASE, **app) == ""
    assert query(net, "SELECT n FROM t", database=mysql.DATABASE, **app) == "7\n"
    assert "denied" in query(net, "CREATE DATABASE other", **app)
    assert "denied" in query(net, "SELECT * FROM mysql.user", **app)


@pytest.mark.parametrize("password", ["wrong", "", "root-secret"])
def test_a_wrong_password_is_refused(served: tuple[Network, Container], password: str) -> None:
    assert "Access denied" in query(served[0], "SELECT 1", user=mysql.USER, password=password)


def test_root_has_a_password_and_comes_from_the_pod_only(served: tuple[Network, Container]) -> None:
    net, server = served
    assert "denied" in query(net, "SELECT 1", user="root", password="root-secret")
    local = ["mysql", "--user=root", "-N", "-e", "SELECT user, host FROM mysql.user"]
    assert "denied" in server.enter([*local, "--password="]).stderr
    # Nobody else is there: no anonymous user, no root of another host.
    rows = set(server.enter([*local, "--password=root-secret"]).stdout.splitlines()) - {"mariadb.sys\tlocalhost"}
    assert rows == {"root\tlocalhost", f"{mysql.USER}\t%"}


def test_our_probe_does_not_answer_while_the_volume_is_prepared(net: Network) -> None:
    """The temporary server has a socket only, and the probe asks by TCP; a control asks by the socket."""
    pause = {"/docker-entrypoint-initdb.d/pause.sh": "touch /tmp/paused; while [ ! -e /tmp/go ]; do sleep 0.1; done\n"}
    server = start(net, net.root / "data", files=pause)
    net.wait("the script runs", lambda: server.enter(["test", "-e", "/tmp/paused"]).returncode == 0)
    assert server.enter(PING).returncode != 0
    assert server.enter(["mysqladmin", "ping", "--silent"]).returncode == 0
    assert server.enter(["touch", "/tmp/go"]).returncode == 0
    ready(net, server)


def test_data_and_passwords_outlive_the_container(net: Network) -> None:
    server = start(net, net.root / "data")
    ready(net, server)
    assert net.remove(server, grace=20) == 0
    again = start(net, net.root / "data", MYSQL_PASSWORD="changed-later")
    ready(net, again)
    assert query(net, "SELECT 1", user=mysql.USER, password="application-secret") == "1\n"
    assert "init process" not in again.log_text


@pytest.mark.parametrize(
    ("missing", "answer"), [("MYSQL_PASSWORD", "is not allowed to connect"), ("MYSQL_DATABASE", "Access denied")]
)
def test_without_one_of_our_variables_the_application_is_refused(net: Network, missing: str, answer: str) -> None:
    """A control: one variable of the pod is left out."""
    server = start(net, net.root / "data", **{missing: None})
    net.wait("the server runs", lambda: "port: 3306" in server.log_text)
    assert answer in query(net, f"USE {mysql.DATABASE}", user=mysql.USER, password="application-secret")


def test_without_a_root_password_there_is_no_database(net: Network) -> None:
    """A control: the variable is left out."""
    server = start(net, net.root / "data", MYSQL_ROOT_PASSWORD=None)
    assert server.process.wait(timeout=PATIENCE) != 0
    assert "password option is not specified" in server.log_text


def test_an_unwritable_volume_ends_the_program(net: Network) -> None:
    """A control: the volume belongs to another user, as without `fsGroup`."""
    volume = net.root / "data"
    volume.mkdir()
    volume.chmod(0o755)
    run_as = (mysql.MYSQL_USER.user or 0, mysql.MYSQL_USER.group or 0)
    volumes = {"/var/lib/mysql": volume}
    server = net.start("mysql", images.mysql(), env=variables(), volumes=volumes, user=run_as)
    assert server.process.wait(timeout=PATIENCE) != 0
