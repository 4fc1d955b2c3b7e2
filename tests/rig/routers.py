"""Real nginx on generated router files, on loopback addresses.

Nothing in the product knows of this: `Router` writes the generated texts below a directory of its own, with
the directories, listen addresses and in-cluster names replaced, and starts the generated start script.
"""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from kubefate_pulumi.fate import ports, router
from kubefate_pulumi.trust.x509 import KeyPair

PATIENCE = 20.0
"""Seconds until a wait is given up; only a failing test waits so long."""


class NginxMissingError(RuntimeError):
    """The tests need a program that is not installed."""


def nginx_command() -> list[str]:
    """Return the nginx command, with the stream module loaded where it is not built in.

    Raises:
        NginxMissingError: nginx or its stream module is not installed. This must fail, not skip.
    """
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise NginxMissingError("nginx is not installed: apt-get install nginx-core libnginx-mod-stream")
    built = subprocess.run([found, "-V"], capture_output=True, text=True, check=True).stderr
    extra = "user root;" if os.geteuid() == 0 else ""
    if "--with-stream=dynamic" in built:
        match = re.search(r"--modules-path=(\S+)", built)
        module = Path(match[1] if match else "/usr/lib/nginx/modules") / "ngx_stream_module.so"
        if not module.exists():
            raise NginxMissingError(f"{module} is not installed: apt-get install libnginx-mod-stream")
        extra += f" load_module {module};"
    elif "--with-stream" not in built:
        raise NginxMissingError(f"{found} has no stream module")
    return [found, "-g", extra] if extra else [found]


@dataclass
class Router:
    """One unit's router.

    Attributes:
        root: Its directory; short, since the path of a Unix socket may have 107 characters.
        public: Loopback address of its outer listeners, `inner` of its inner ones and health.
        services: What `fateflow-client` and `pulsar` are in this test.
    """

    root: Path
    unit: str
    public: str
    inner: str
    services: str
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def log(self) -> Path:
        return self.root / "log"

    @property
    def log_text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def directory(self, path: str) -> Path:
        return self.root / path.removeprefix("/etc/kubefate/")

    def localised(self, text: str) -> str:
        """Return a generated text with this test's directories, addresses and names."""
        outer = {
            ports.ROUTER_OUTER_CONTROL,
            ports.ROUTER_OUTER_DATA,
            ports.ROUTER_PLAIN_HTTP,
            ports.ROUTER_PLAIN_GRPC,
        }
        text = text.replace("/etc/kubefate/", f"{self.root}/").replace(router.RUN_DIR, f"{self.root}/run")
        text = re.sub(r"(_temp_path )/tmp", rf"\g<1>{self.root}/tmp", text)
        text = re.sub(
            r"listen (\d+)",
            lambda match: f"listen {self.public if int(match[1]) in outer else self.inner}:{match[1]}",
            text,
        )
        for name in (router.FATE_FLOW_HOST, router.BROKER_HOST):
            text = text.replace(f"server {name}:", f"server {self.services}:")
        return text

    def write(self, base: dict[str, str], routes: dict[str, str], outer: KeyPair) -> None:
        for name in ("run", "tmp", "bin"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        self.put(router.BASE_DIR, base)
        self.put(router.ROUTES_DIR, routes)
        self.put_certificate(router.TLS_DIR, outer)
        command = " ".join(f"'{word}'" for word in nginx_command())
        (self.root / "bin" / "nginx").write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        (self.root / "bin" / "nginx").chmod(0o755)

    def put(self, directory: str, texts: dict[str, str]) -> None:
        """Make a mounted directory hold just these files, as the kubelet would: all at once."""
        target = self.directory(directory)
        fresh = Path(tempfile.mkdtemp(prefix=".data", dir=self.root))
        fresh.chmod(0o755)
        for name, text in texts.items():
            (fresh / name).write_text(self.localised(text))
        link = self.root / f".{target.name}.link"
        link.symlink_to(fresh)
        link.rename(target)

    def put_certificate(self, directory: str, pair: KeyPair, ca: str | None = None) -> None:
        files = {"tls.crt": pair.certificate_pem, "tls.key": pair.private_key_pem}
        self.put(directory, files if ca is None else {**files, "ca.crt": ca})

    def check(self) -> subprocess.CompletedProcess[str]:
        """Run `nginx -t` on the files."""
        (self.root / "run" / "resolver.conf").touch()
        command = [str(self.root / "bin" / "nginx"), "-t", "-e", "stderr", "-c", self._conf]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)

    @property
    def _conf(self) -> str:
        return str(self.directory(router.BASE_DIR) / "nginx.conf")

    def start(self, **environment: str) -> None:
        fast = {"RELOAD_SECONDS": "0.2", "LINGER_SECONDS": "0", "DRAIN_SECONDS": "1", **environment}
        path = f"{self.root / 'bin'}:{os.environ.get('PATH', '')}:/usr/sbin"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                ["/bin/sh", str(self.directory(router.BASE_DIR) / "start.sh")],
                env={"PATH": path, **fast},
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def wait_ready(self) -> None:
        self.wait(lambda: self.health("/test") == "ok\n", "readiness")

    def health(self, path: str) -> str:
        """Return what the health listener says, or an empty text."""
        try:
            with urlopen(f"http://{self.inner}:{ports.ROUTER_HEALTH}{path}", timeout=5) as answer:
                return str(answer.read().decode())
        except (HTTPError, URLError, OSError):
            return ""

    @property
    def status(self) -> dict[str, str]:
        lines = [line.partition("=") for line in self.health("/status").splitlines()]
        return {key: value for key, mark, value in lines if mark}

    def wait(self, done: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + PATIENCE
        while not done():
            if time.monotonic() > end:
                raise AssertionError(f"{self.unit}: no {what}\n{self.log_text[-4000:]}")
            time.sleep(0.05)

    def wait_log(self, pattern: str) -> str:
        """Wait for a line of the log and return it."""
        found: list[str] = []

        def seen() -> bool:
            found[:] = [line for line in self.log_text.splitlines() if re.search(pattern, line)]
            return bool(found)

        self.wait(seen, f"log line {pattern}")
        return found[-1]

    def reload(self, routes: dict[str, str]) -> None:
        """Put other route files and wait until they are in force."""
        before, serving = self.log_text.count("event=reloaded"), self.workers()
        self.put(router.ROUTES_DIR, routes)
        self.wait(lambda: self.log_text.count("event=reloaded") > before, "reload")
        self.wait(lambda: not serving & self.workers(), "new workers")

    def workers(self) -> set[int]:
        """Return the nginx workers that take connections: not those which have been told to end."""
        assert self.process is not None
        found = set()
        for directory in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                title = (directory / "cmdline").read_bytes()
                serves = title.startswith(b"nginx: worker process") and b"shutting down" not in title
                if serves and os.getpgid(int(directory.name)) == self.process.pid:
                    found.add(int(directory.name))
        return found

    def stop(self) -> int | None:
        """End the router by signal as a pod is ended; whatever is left then is killed."""
        if self.process is None:
            return None
        try:
            self.process.send_signal(signal.SIGTERM)
            return self.process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            return None
        finally:
            self.kill()

    def kill(self) -> None:
        """Kill the script, nginx and its workers: the process group that `start` made."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


@contextmanager
def router_root() -> Iterator[Path]:
    """Yield a directory with a short path, and remove it."""
    root = Path(tempfile.mkdtemp(prefix="kfr-"))
    root.chmod(0o755)
    try:
        yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)
