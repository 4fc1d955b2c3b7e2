"""Images whose programs Debian has, and stand-ins for those of FATE, whose server is on no registry that we reach."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from dataplane.kubelet.cage import PATH
from dataplane.kubelet.errors import KubeletError
from dataplane.kubelet.images import Directory, Image, Table, Tree

_NGINX = "/usr/sbin/nginx"
_DEBIAN_NGINX = "/opt/debian/nginx"


def standard_images() -> Table:
    """Return the images that every test has.

    Raises:
        KubeletError: a program is not installed; the message names the Debian packages.
    """
    return Table([nginx(), busybox(), stand_in_mysql_client(), stand_in_fate_flow()])


def nginx() -> Image:
    """The official nginx image: Debian's nginx.

    Raises:
        KubeletError: it is not installed, or without its stream module.
    """
    found = shutil.which("nginx", path=PATH)
    if found is None:
        raise KubeletError("nginx is not installed: apt-get install nginx-light libnginx-mod-stream")
    built = subprocess.run([found, "-V"], capture_output=True, text=True, check=True).stderr
    version = re.search(r"nginx/(\S+)", built)
    entry = Image(
        repository="nginx",
        program=f"nginx {version[1] if version else '?'} of this machine",
        cmd=("nginx", "-g", "daemon off;"),
        users={"nginx": (101, 101)},
        directories=(Directory("/var/cache/nginx"), Directory("/var/log/nginx"), Directory("/etc/nginx")),
    )
    if "--with-stream=dynamic" not in built:
        return entry
    modules = re.search(r"--modules-path=(\S+)", built)
    module = Path(modules[1] if modules else "/usr/lib/nginx/modules") / "ngx_stream_module.so"
    if not module.exists():
        raise KubeletError(f"{module} is not installed: apt-get install libnginx-mod-stream")
    # The official image has the module built in; Debian's has to be told to load it.
    wrapper = f"#!/bin/sh\nexec {_DEBIAN_NGINX} -g 'load_module {module};' \"$@\"\n"
    return Image(
        repository=entry.repository,
        program=entry.program,
        cmd=entry.cmd,
        users=entry.users,
        directories=(*entry.directories, Directory("/var/lib/nginx")),
        trees=(Tree(Path(found), _DEBIAN_NGINX),),
        files={_NGINX: wrapper},
        adaptions=(
            f"{_NGINX} adds `load_module {module.name}`, which the image has built in",
            "/var/lib/nginx is there: Debian's default for bodies, where the image has /var/cache/nginx",
        ),
    )


def busybox() -> Image:
    """Busybox: the same commands from Debian's GNU programs."""
    return Image(
        repository="busybox",
        program="GNU coreutils of this machine",
        cmd=("sh",),
        adaptions=("GNU commands in place of busybox' own",),
    )


def stand_in_mysql_client() -> Image:
    """MySQL's image where only its client is used, by FATE Flow's init container: it finds the database at once."""
    return Image(
        repository="mysql",
        program="stand-in mysqladmin: says that the database is alive, whatever there is",
        files={"/usr/local/bin/mysqladmin": "#!/bin/sh\nexit 0\n"},
        adaptions=("no database and no client; put the real one into the table where it matters",),
        stand_in=True,
    )


def stand_in_fate_flow() -> Image:
    """FATE Flow's image, with a server that answers what it was asked in place of FATE Flow.

    The pod's own start script runs: it writes FATE's configuration and starts `fate_flow_server.py`, which is ours.
    """
    fate = "/data/projects/fate"
    server = f"{fate}/fateflow/python/fate_flow/fate_flow_server.py"
    spark = "/data/projects/spark-3.1.3-bin-hadoop3.2"
    return Image(
        repository="federatedai/fateflow-spark",
        program="stand-in FATE Flow: answers on 9380 (HTTP) and 9360 (gRPC) with what it was asked",
        trees=(*python_trees(), Tree(Path(__file__).with_name("stand_in_flow.py"), server)),
        directories=(Directory(f"{fate}/conf"), Directory(f"{spark}/conf")),
        files={"/usr/local/bin/python": f'#!/bin/sh\nexec {sys.executable} "$@"\n'},
        workdir="/",
        adaptions=("FATE's server is replaced; the pod's start script, files, environment and mounts are real",),
        stand_in=True,
    )


def python_trees() -> tuple[Tree, ...]:
    """Return the Python that runs the tests, with its packages, at the paths that it has here."""
    places = dict.fromkeys(Path(each).resolve() for each in (sys.prefix, sys.base_prefix))
    return tuple(
        Tree(each, str(each)) for each in places if not each.is_relative_to("/usr/bin") and str(each) != "/usr"
    )
