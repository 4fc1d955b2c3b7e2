"""Load by well-kept tools: ApacheBench for HTTP/1.1 (it can show a client certificate), h2load for HTTP/2."""

import csv
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from pathlib import Path

from kubefate_pulumi.trust.x509 import KeyPair

TIMEOUT = 120.0
_REFUSED = "Non-2xx responses"


class LoadError(RuntimeError):
    """A request was not answered with 200, so the numbers would be those of refusals."""


@dataclass(frozen=True)
class Sample:
    """What one run saw: requests per second with some callers at once, milliseconds of a caller that is alone."""

    rate: float
    p50: float
    p99: float


@dataclass(frozen=True)
class Target:
    """Something to be asked.

    Attributes:
        url: Where; `https` shows `pair`.
        headers: Of each request.
        pair: The caller's certificate.
        http2: By HTTP/2 without TLS, as gRPC is inside a namespace.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    pair: KeyPair | None = None
    http2: bool = False

    def ask(self, requests: int, callers: int, kept: bool = True) -> tuple[float, float, float]:
        """Return requests per second, and the median and 99th percentile of milliseconds.

        Args:
            requests: How many.
            callers: How many at a time, each on a connection of its own.
            kept: A caller keeps its connection; else each request opens one.
        """
        return self._h2load(requests, callers) if self.http2 else self._ab(requests, callers, kept)

    def _ab(self, requests: int, callers: int, kept: bool) -> tuple[float, float, float]:
        with tempfile.TemporaryDirectory(prefix="kfl-") as name:
            table = Path(name, "percentiles.csv")
            command = ["ab", "-q", "-l", "-n", str(requests), "-c", str(callers), "-e", str(table)]
            command += ["-k"] if kept else []
            command += [word for header in self._lines() for word in ("-H", header)]
            if self.pair is not None:
                pem = Path(name, "pair.pem")
                pem.write_text(self.pair.certificate_pem + self.pair.private_key_pem)
                command += ["-E", str(pem)]
            said = _run([*command, self.url])
            values = {label.strip(): value.strip() for label, _, value in (line.partition(":") for line in said)}
            counts = {name: values.get(name, "0") for name in ("Complete requests", "Failed requests", _REFUSED)}
            if list(counts.values()) != [str(requests), "0", "0"]:
                raise LoadError(f"{self.url}: {counts}")
            with table.open(newline="") as rows:
                at = {row[0]: float(row[1]) for row in list(csv.reader(rows))[1:]}
        return float(values["Requests per second"].split()[0]), at["50"], at["99"]

    def _h2load(self, requests: int, callers: int) -> tuple[float, float, float]:
        with tempfile.TemporaryDirectory(prefix="kfl-") as name:
            log = Path(name, "log")
            command = ["h2load", f"-n{requests}", f"-c{callers}", "-m1", "-t1", f"--log-file={log}"]
            command += [word for header in self._lines() for word in ("-H", header)]
            said = _run([*command, self.url])
            lines = [line.split("\t") for line in log.read_text().splitlines()]
        if len(lines) != requests or any(status != "200" for _, status, _ in lines):
            raise LoadError(f"{self.url}: {[line for line in said if line.startswith(('requests', 'status'))]}")
        rate = next(line for line in said if line.startswith("finished in")).split()[3]
        times = sorted(int(taken) / 1000 for *_, taken in lines)
        return float(rate), statistics.median(times), times[int(len(times) * 0.99)]

    def _lines(self) -> list[str]:
        return [f"{name}: {value}" for name, value in self.headers.items()]


def sample(target: Target, requests: int, callers: int = 8) -> Sample:
    """Ask with some callers at once for the rate, and with one for the time of a request."""
    rate, *_ = target.ask(requests, callers)
    _, p50, p99 = target.ask(max(requests // 4, 100), 1)
    return Sample(rate, p50, p99)


def in_turn(calls: Mapping[str, Callable[[], Sample]], rounds: int) -> dict[str, Sample]:
    """Return medians; the calls take turns, so that a busy moment of the machine meets all of them alike."""
    found: dict[str, list[Sample]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            found[name].append(call())
    return {name: _median(samples) for name, samples in found.items()}


def _median(samples: Sequence[Sample]) -> Sample:
    return Sample(*(statistics.median(values) for values in zip(*map(astuple, samples), strict=True)))


def _run(command: Sequence[str]) -> list[str]:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=TIMEOUT, stdin=subprocess.DEVNULL
    )
    if done.returncode != 0:
        raise LoadError(f"{command[0]} {command[-1]}: {done.stdout[-300:]}{done.stderr[-300:]}")
    return done.stdout.splitlines()
