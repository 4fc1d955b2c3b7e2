"""The client: a notebook with FATE's command line. It calls FATE Flow; people reach it by ingress, if asked for."""

import pulumi

from kubefate_pulumi.components.args import IngressArgs
from kubefate_pulumi.components.parts.web import publish
from kubefate_pulumi.components.unit import Unit
from kubefate_pulumi.fate import notebook, ports
from kubefate_pulumi.kubernetes import objects
from kubefate_pulumi.kubernetes.metadata import content_hash_of
from kubefate_pulumi.kubernetes.probes import probes, tcp
from kubefate_pulumi.kubernetes.workload import Container, Mount, Pod, stateful_set

PART = "client"
SERVICE = "notebook"
SECRET = "notebook-credentials"  # noqa: S105 - the name of the object
HASH = "password-hash"


class NotebookClient(pulumi.ComponentResource):
    """JupyterLab, behind a password. The pod knows the password's hash only."""

    def __init__(
        self,
        name: str,
        unit: Unit,
        password: pulumi.Input[str],
        ingress: IngressArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("kubefate:index:NotebookClient", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        hashed = pulumi.Output.secret(password).apply(lambda text: notebook.password_hash(text, salt=unit.dns_name))
        objects.secret(unit.scope, PART, SECRET, {HASH: hashed}, child)
        objects.service(unit.scope, PART, SERVICE, {"tcp-notebook": ports.NOTEBOOK}, child)
        container = Container(
            PART,
            unit.image(PART),
            unit.resources[PART],
            ports={"tcp-notebook": ports.NOTEBOOK},
            command=["sh", "-c", notebook.start_script(unit.profile)],
            env=[
                *objects.plain_env(notebook.client_env(unit.party_id)),
                objects.from_secret(notebook.PASSWORD_HASH_VARIABLE, SECRET, HASH),
            ],
            mounts=[Mount("persistence", unit.profile.paths["notebook_data"], read_only=False)],
            probes=probes(tcp(ports.NOTEBOOK)),
        )
        # A process reads its environment once, so a new password rolls the pod.
        pod = Pod(containers=[container], content_hash=content_hash_of(pulumi.Output.all(hashed=hashed)))
        claims = [unit.claim("client", "persistence")]
        stateful_set(unit.scope, PART, pod, child, service=SERVICE, claims=claims)
        publish(unit, PART, SERVICE, ports.NOTEBOOK, host=ingress.get("notebook_host"), ingress=ingress, opts=child)
        self.register_outputs({})
