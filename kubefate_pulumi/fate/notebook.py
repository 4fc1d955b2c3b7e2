"""How the client pod (Jupyter with FATE's client) is started, and its environment."""

import hashlib
from typing import Final

from kubefate_pulumi.fate import ports
from kubefate_pulumi.fate.profile import Profile

PASSWORD_HASH_VARIABLE: Final = "NOTEBOOK_HASHED_PASSWORD"  # noqa: S105 - a variable's name
"""Environment variable with Jupyter's own hash of the password, from a Secret."""


def client_env(party_id: int) -> dict[str, str]:
    """Return the client's environment, without `PASSWORD_HASH_VARIABLE`."""
    return {
        "partyId": str(party_id),
        "FATE_FLOW_IP": "fateflow",
        "FATE_FLOW_PORT": str(ports.FATE_FLOW_HTTP),
    }


def start_script(profile: Profile) -> str:
    """Return the POSIX shell script that points FATE's clients to FATE Flow and becomes Jupyter.

    Without a password hash it refuses to start: Jupyter here is a shell on the party's data. The hash goes by
    a file that reads the environment, since a command line can be seen.
    """
    return f"""\
#!/bin/sh
# Points FATE's clients to FATE Flow, then becomes Jupyter, which asks for the password.
set -eu

if [ -z "${{{PASSWORD_HASH_VARIABLE}:-}}" ]; then
  echo 'start: {PASSWORD_HASH_VARIABLE} is empty, and Jupyter would be open to everyone' >&2
  exit 1
fi

pipeline init --ip "$FATE_FLOW_IP" --port "$FATE_FLOW_PORT"
flow init --ip "$FATE_FLOW_IP" --port "$FATE_FLOW_PORT"

# NotebookApp is Jupyter before 7, ServerApp since.
config=$(mktemp -d)/jupyter_notebook_config.py
cat > "$config" <<'END'
import os

for app in (c.NotebookApp, c.ServerApp):
    app.ip = "0.0.0.0"
    app.port = {ports.NOTEBOOK}
    app.open_browser = False
    app.allow_root = True
    app.token = ""
    app.password = os.environ["{PASSWORD_HASH_VARIABLE}"]
c.NotebookApp.notebook_dir = "{profile.paths["notebook"]}"
c.ServerApp.root_dir = "{profile.paths["notebook"]}"
END

cd {profile.paths["notebook"]}
exec jupyter notebook --config="$config"
"""


def password_hash(password: str, salt: str) -> str:
    """Return Jupyter's hash of a password: `sha256:<salt>:<digest of password and salt>` (`passwd_check`).

    Args:
        password: The password; it must be long and random, since the digest is a fast one.
        salt: ASCII text without a colon. The same salt gives the same hash, so it changes only with reason.
    """
    digest = hashlib.sha256(password.encode() + salt.encode("ascii")).hexdigest()
    return f"sha256:{salt}:{digest}"
