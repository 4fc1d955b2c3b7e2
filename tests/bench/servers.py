"""nginx on texts of the bench's own: what stands behind every hop, and the Lua nginx that KubeFATE deploys."""

import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench.packages import lua_modules
from rig.routers import PATIENCE, nginx_command
from rig.services import wait_port

from kubefate_pulumi.fate import ports

_TEMP = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
ANSWER = '{\\"retcode\\": 0, \\"retmsg\\": \\"success\\", \\"data\\": {\\"job_id\\": \\"202611240000000000000\\"}}'


@contextmanager
def fate_flow(host: str) -> Iterator[None]:
    """Serve FATE Flow's two ports: an answer at once, so that a hop is what is measured."""
    servers = "".join(
        f'server {{ listen {host}:{port}; location / {{ return 200 "{ANSWER}"; }} }}\n'
        for port in (ports.FATE_FLOW_HTTP, f"{ports.FATE_FLOW_GRPC} http2")
    )
    with _nginx(f"default_type application/json;\nkeepalive_requests 1000000;\n{servers}"):
        wait_port(host, ports.FATE_FLOW_HTTP)
        wait_port(host, ports.FATE_FLOW_GRPC)
        yield


@contextmanager
def kubefate_nginx(host: str, routes: Mapping[str, tuple[str, int, int]]) -> Iterator[None]:
    """Serve what KubeFATE deploys as `nginx`: every listener plain, the next hop chosen in Lua.

    The mechanism is that of FATE's `c/proxy` (OpenResty): a cache of 500 entries filled from the route table by
    a timer in each worker, a look-up by `dest-party-id` and `service`, and a balancer that sets the peer.

    Args:
        host: Address of its listeners.
        routes: Host, HTTP port and gRPC port of the next hop, by party.
    """
    with tempfile.TemporaryDirectory(prefix="kfl-") as root:
        directory = Path(root)
        directory.chmod(0o755)
        for name, text in _LUA.items():
            (directory / f"{name}.lua").write_text(text)
        (directory / "routes").write_text(
            "".join(f"{party} {' '.join(map(str, to))}\n" for party, to in routes.items())
        )
        # Both are static in OpenResty.
        modules = "".join(f"load_module {module};\n" for module in lua_modules())
        http = _KUBEFATE.format(root=root, host=host, http=9300, grpc=9310)
        with _nginx(http, modules):
            wait_port(host, 9300)
            wait_port(host, 9310)
            yield


_KUBEFATE = """\
lua_package_path "{root}/?.lua;/usr/share/lua/5.1/?.lua;;";
underscores_in_headers on;
keepalive_timeout 65;
init_worker_by_lua_block {{ require("routes").start("{root}/routes") }}
upstream http_cluster {{ server 0.0.0.1; balancer_by_lua_file {root}/balancer.lua; }}
upstream grpc_cluster {{ server 0.0.0.2; balancer_by_lua_file {root}/balancer.lua; }}
server {{
    listen {host}:{http};
    location / {{
        access_by_lua_file {root}/access.lua;
        proxy_set_header Host $host:$server_port;
        proxy_set_header X-Real-IP $remote_addr;
        proxy_set_header X-Real-PORT $remote_port;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header X-Forwarded-Port $server_port;
        proxy_set_header Connection "";
        proxy_next_upstream off;
        proxy_pass http://http_cluster;
    }}
}}
server {{
    listen {host}:{grpc} http2;
    location / {{
        access_by_lua_file {root}/access.lua;
        grpc_pass grpc://grpc_cluster;
    }}
}}
"""

_LUA = {
    "routes": """\
local cache = require("resty.lrucache").new(500)
local routes = {}

local function load(path)
    for line in io.lines(path) do
        local party, host, http, grpc = line:match("^(%S+) (%S+) (%S+) (%S+)$")
        cache:set(party, {fateflow = {{host = host, http_port = http, grpc_port = grpc}}})
    end
end

function routes.start(path)
    load(path)
    ngx.timer.every(5, function() load(path) end)
end

function routes.server(party, service)
    local servers = cache:get(party)[service]
    local server = servers[math.random(1, #servers)]
    local port = ngx.req.http_version() == 2 and server.grpc_port or server.http_port
    return server.host .. ":" .. port
end

return routes
""",
    "access": """\
local headers = ngx.req.get_headers()
ngx.ctx.server = require("routes").server(headers["dest-party-id"], headers["service"])
""",
    "balancer": """\
local set, why = require("ngx.balancer").set_current_peer(ngx.ctx.server)
if not set then
    ngx.log(ngx.ERR, why)
    ngx.exit(503)
end
""",
}


@contextmanager
def _nginx(http: str, modules: str = "") -> Iterator[None]:
    """Run nginx with two workers, as the routers have, and end it."""
    with tempfile.TemporaryDirectory(prefix="kfl-") as root:
        temp = "".join(f"{name}_temp_path {root}/{name};\n" for name in _TEMP)
        conf = Path(root, "nginx.conf")
        conf.write_text(
            f"{modules}daemon off;\nworker_processes 2;\npid {root}/pid;\nerror_log {root}/error.log;\n"
            f"events {{ worker_connections 4096; }}\n"
            f"http {{\naccess_log {root}/access.log;\n{temp}{http}}}\n"
        )
        command = [*nginx_command(), "-e", f"{root}/error.log", "-c", str(conf)]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        try:
            yield
        except Exception as error:
            error.add_note(Path(root, "error.log").read_text(errors="replace")[-1000:])
            raise
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE)
