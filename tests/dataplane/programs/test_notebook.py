"""The client: Jupyter and FATE's command line, started by our script with our hash of the password."""

import re
import sys
from collections.abc import Iterator

import pytest
from dataplane.programs import images
from dataplane.programs.sandbox import PATIENCE, Container, Network, network

from kubefate_pulumi.fate import notebook, ports
from kubefate_pulumi.fate.profile import load_profile

PROFILE = load_profile("1.11.2")
PASSWORD = "a-long-and-random-password"
SALT = "9999.fraud.example.org"
URL = f"http://127.0.0.1:{ports.NOTEBOOK}"

# Answers every question with what was asked.
FLOW = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"retcode": 0, "retmsg": "asked %s"}' % self.path.encode())
    do_POST = do_GET
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def start(net: Network, *, hashed: str | None = None, change: tuple[str, str] = ("", "")) -> Container:
    """Start the pod's container; `change` replaces a text of the script."""
    script = notebook.start_script(PROFILE)
    assert change[0] in script
    env = {
        **notebook.client_env(9999),
        notebook.PASSWORD_HASH_VARIABLE: notebook.password_hash(PASSWORD, SALT) if hashed is None else hashed,
    }
    (net.root / "persistence").mkdir(exist_ok=True)
    volumes = {PROFILE.paths["notebook_data"]: net.root / "persistence"}
    return net.start("client", images.client(), command=("sh", "-c", script.replace(*change)), env=env, volumes=volumes)


def serving(net: Network) -> bool:
    return net.http(f"{URL}/login").startswith("200")


def log_in(net: Network, password: str) -> str:
    """Log in as a browser does, and return what the list of files then answers."""
    jar = str(net.root / f"cookies-{password}")
    page = net.http(f"{URL}/login", "--cookie-jar", jar)
    token = re.search(r'name="_xsrf" value="([^"]+)"', page)
    assert token, page
    form = ("--data", f"password={password}", "--data", f"_xsrf={token[1]}")
    net.http(f"{URL}/login", "--cookie", jar, "--cookie-jar", jar, *form)
    return net.http(f"{URL}/api/contents", "--cookie", jar)


@pytest.fixture(scope="module")
def net() -> Iterator[Network]:
    with network({"fateflow": "127.0.0.1"}) as made:
        start(made)
        made.wait("Jupyter serves", lambda: serving(made))
        yield made


def test_the_right_password_opens_it(net: Network) -> None:
    answer = log_in(net, PASSWORD)
    assert answer.startswith("200")
    assert '"persistence"' in answer


@pytest.mark.parametrize("password", ["wrong", "", PASSWORD.upper()])
def test_a_wrong_password_is_refused(net: Network, password: str) -> None:
    assert log_in(net, password).startswith("403")


@pytest.mark.parametrize("path", ["/api/contents", "/api/kernels", "/api/terminals", "/files/persistence"])
def test_nothing_is_served_without_a_password(net: Network, path: str) -> None:
    assert net.http(f"{URL}{path}")[:3] in {"302", "403"}
    assert net.http(f"{URL}{path}?token=")[:3] in {"302", "403"}


def test_fate_s_command_line_calls_our_fate_flow(net: Network) -> None:
    (pod,) = net.containers
    server = net.popen([sys.executable, "-c", FLOW, str(ports.FATE_FLOW_HTTP)])
    try:
        net.wait("it listens", lambda: net.http(f"http://127.0.0.1:{ports.FATE_FLOW_HTTP}/").startswith("200"))
        assert "asked /v1/server/version/get" in pod.enter(["flow", "server", "versions"]).stdout
    finally:
        server.kill()
        server.wait()


def test_the_hash_is_in_no_command_line(net: Network) -> None:
    (pod,) = net.containers
    lines = pod.enter(["sh", "-c", "cat /proc/[0-9]*/cmdline"]).stdout
    assert "jupyter" in lines
    assert notebook.password_hash(PASSWORD, SALT) not in lines


def test_without_a_hash_it_does_not_start() -> None:
    with network() as net:
        pod = start(net, hashed="")
        assert pod.process.wait(timeout=PATIENCE) == 1
        assert notebook.PASSWORD_HASH_VARIABLE in pod.log_text


def test_without_one_line_it_is_open_to_everyone() -> None:
    """A control: the script does not set the password."""
    line = f'    app.password = os.environ["{notebook.PASSWORD_HASH_VARIABLE}"]\n'
    with network() as net:
        start(net, change=(line, ""))
        net.wait("Jupyter serves", lambda: net.http(f"{URL}/api/contents").startswith("200"))
