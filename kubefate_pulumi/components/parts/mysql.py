"""MySQL: FATE Flow's jobs, tasks and models. FATE Flow alone connects."""

import re

import pulumi

from kubefate_pulumi.components.unit import Unit
from kubefate_pulumi.fate import ports
from kubefate_pulumi.kubernetes import objects
from kubefate_pulumi.kubernetes.probes import command, probes
from kubefate_pulumi.kubernetes.security import RunAs
from kubefate_pulumi.kubernetes.workload import Container, Mount, Pod, stateful_set

PART = "mysql"
SECRET = "mysql-credentials"  # noqa: S105 - the name of the object
DATABASE = "eggroll_meta"
"""Name of the database, as KubeFATE has it also without Eggroll."""
USER = "fate"

MYSQL_USER = RunAs(user=999, group=999, read_only=True)
"""User and group `mysql` of the official image."""
_PLAIN = re.compile(r"[A-Za-z0-9._~-]+")
SCRATCH = {"run": "/var/run/mysqld", "tmp": "/tmp"}  # noqa: S108 - an emptyDir of the pod's own
"""Where it writes beside its data: socket and lock, temporary tables."""


def checked(party: str, what: str, password: str) -> str:
    """Return a password that the image takes as it is: its start script writes it into SQL without quoting.

    A quote ends the first start, with the password in the log, and a volume that is taken for finished.

    Raises:
        pulumi.RunError: it has other characters. The text does not show it.
    """
    if not _PLAIN.fullmatch(password):
        raise pulumi.RunError(
            f"party {party}: {what} may have letters, digits and . _ ~ - only, and must not be empty. "
            f"Set another one: pulumi config set --secret {party}-{what.replace('_', '-')}"
        )
    return password


class MySql(pulumi.ComponentResource):
    """MySQL with one database and one user for FATE Flow; root has a password and connects from the pod only."""

    def __init__(
        self,
        name: str,
        unit: Unit,
        password: pulumi.Input[str],
        root_password: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("kubefate:index:MySql", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        data = {"password": password, "root-password": root_password}
        objects.secret(unit.scope, PART, SECRET, data, child)
        objects.service(unit.scope, PART, PART, {"tcp-mysql": ports.MYSQL}, child)
        container = Container(
            PART,
            unit.image(PART),
            unit.resources[PART],
            ports={"tcp-mysql": ports.MYSQL},
            env=[
                objects.plain("MYSQL_DATABASE", DATABASE),
                objects.plain("MYSQL_USER", USER),
                objects.plain("MYSQL_ROOT_HOST", "localhost"),
                objects.from_secret("MYSQL_PASSWORD", SECRET, "password"),
                objects.from_secret("MYSQL_ROOT_PASSWORD", SECRET, "root-password"),
            ],
            # A directory of its own: a new ext4 volume has `lost+found`, and MySQL wants an empty directory.
            mounts=[
                Mount("data", unit.profile.paths["mysql_data"], sub_path="mysql", read_only=False),
                *(Mount(name, path, read_only=False) for name, path in SCRATCH.items()),
            ],
            # Over TCP: while the image prepares a new volume, its server has a socket but no network.
            # `ping` needs no password: a refused log-in is an answer, too.
            probes=probes(command("mysqladmin", "ping", "--host=127.0.0.1", "--silent"), startup_seconds=600),
        )
        pod = Pod(containers=[container], volumes={name: {"empty_dir": {}} for name in SCRATCH}, run_as=MYSQL_USER)
        stateful_set(unit.scope, PART, pod, child, service=PART, claims=[unit.claim("mysql", "data")])
        self.register_outputs({})
