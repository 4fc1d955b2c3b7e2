"""What strangers and broken callers do to a router's outer listeners, while its peers go on and are answered.

nginx runs the generated files; only their time limits are shortened, so that an attack ends while one looks.
Nothing here measures speed: bounds are PATIENCE, in which a limit of QUICK seconds passes ten times.
"""

import http.client
import random
import re
import resource
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial

import pytest
from rig import http2, nginx_text, services
from rig.federation import leaf_of
from rig.probes import REFUSED_TLS, party
from rig.routers import PATIENCE
from rig.site import Site, site

from kubefate_pulumi.fate import ports
from kubefate_pulumi.fate.model import EXCHANGE, Topology

QUICK = 2
LIMITS = r"(client_header_timeout|keepalive_timeout|preread_timeout|ssl_handshake_timeout)"
HALF_OPEN = 1000
SETTINGS = http2.frame(http2.SETTINGS, 0, 0, b"")
HEADER = http2.header_frames({":method": "POST", ":scheme": "http", ":path": "/", ":authority": "fate", "x": "a" * 999})
OUTER = [(unit, port) for unit in (EXCHANGE, "10000") for port in (ports.ROUTER_OUTER_CONTROL, ports.ROUTER_OUTER_DATA)]


def quick(text: str) -> str:
    """Shorten how long a caller may take to say what it wants."""
    return re.sub(LIMITS + r" \d+s;", rf"\1 {QUICK}s;", text)


def unlimited(text: str) -> str:
    """Take the limits out: nginx has its own, of at least 30 s."""
    return re.sub(LIMITS + r" \d+s;", "", text)


# What callers do.


class Caller:
    """A connection that sends some bytes at once and then one of `rest` at each step.

    Attributes:
        name: What the test says when nginx leaves it connected.
        answer: What came back.
        open: Whether nginx has not closed it.
    """

    def __init__(self, name: str, connection: socket.socket, sent: bytes = b"", rest: bytes = b"") -> None:
        self.name, self.connection, self.rest = name, connection, rest
        self.answer, self.open = b"", True
        with suppress(OSError):
            connection.sendall(sent)
        connection.setblocking(False)

    def step(self) -> None:
        """Send the next byte, and look whether nginx has closed."""
        try:
            if self.rest:
                self.connection.send(self.rest[:1])
                self.rest = self.rest[1:]
            while data := self.connection.recv(65536):
                self.answer += data
            self.open = False
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except OSError:
            self.open = False


def still_open(callers: Iterable[Caller], seconds: float) -> list[str]:
    """Go on for so long, or until nginx has closed all; return the names of those that are left."""
    end = time.monotonic() + seconds
    left = list(callers)
    while left and time.monotonic() < end:
        for caller in left:
            caller.step()
        left = [caller for caller in left if caller.open]
        time.sleep(0.1)
    return [caller.name for caller in left]


def hello(name: str) -> bytes:
    """Return a TLS client's first message."""
    context, outgoing = ssl.create_default_context(), ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


@contextmanager
def crowd() -> Iterator[Callable[..., socket.socket]]:
    """Yield a function that dials an address; what it dialled is closed in the end."""
    with ExitStack() as stack:

        def dial(address: tuple[str, int], context: ssl.SSLContext | None = None, name: str = "") -> socket.socket:
            plain = stack.enter_context(socket.create_connection(address, timeout=PATIENCE))
            return plain if context is None else stack.enter_context(context.wrap_socket(plain, server_hostname=name))

        yield dial


@contextmanager
def open_files(soft: int) -> Iterator[None]:
    """Let this process, and what it starts, have so many files open."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    hard = before[1]
    if hard != resource.RLIM_INFINITY and hard < soft:
        raise RuntimeError(f"{soft} open files are needed, {hard} are allowed: raise `ulimit -Hn`")
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


# Its peers go on.


class Traffic:
    """What a federation does all the time: HTTP, gRPC, new data connections and an old one, each answered.

    What came as far as a party is counted against the calls that were answered: an attack reaches nobody.
    """

    def __init__(self, here: Site) -> None:
        self.here = here
        self.done: dict[str, int] = {}
        self.failures: list[str] = []
        self.over = threading.Event()

    def http(self) -> bool:
        return self.here.submit("9999", [("dest-party-id", "10000")])[0] == 200

    def grpc(self) -> bool:
        return self.here.call("9999", {"dest-party-id": "10000"}) == (200, "10000:9999>10000")

    def line(self) -> bool:
        with self.here.replicate("9999", "10000") as stream:
            return bool(stream.readline() == b"broker 10000\n")

    def _go_on(self, kind: str, call: Callable[[], bool]) -> None:
        while not self.over.is_set():
            try:
                good = call()
            except Exception as error:  # noqa: BLE001 - whatever it is, the peer was not answered
                self.failures.append(f"{kind}: {error!r}")
                return
            if not good:
                self.failures.append(f"{kind}: another answer")
                return
            self.done[kind] = self.done.get(kind, 0) + 1
            self.over.wait(0.05)

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Make the calls meanwhile; each kind of them must have been answered, and none refused."""
        taken = Counter(services.taken)
        with self.here.replicate("9999", "10000") as old:
            assert old.readline() == b"broker 10000\n"

            def repeat() -> bool:
                old.write(b"message\n")
                return bool(old.readline() == b"message\n")

            calls = {"http": self.http, "grpc": self.grpc, "line": self.line, "old line": repeat}
            threads = [threading.Thread(target=partial(self._go_on, *item)) for item in calls.items()]
            for thread in threads:
                thread.start()
            try:
                yield
                # Whatever goes on is asked once more after the attack.
                before = dict(self.done)
                self._wait(lambda: all(self.done.get(kind, 0) > before.get(kind, 0) for kind in calls))
            finally:
                self.over.set()
                for thread in threads:
                    thread.join()
        assert self.failures == []
        reached = {name: count for name, count in (services.taken - taken).items() if "9999" not in name}
        # What the calls above account for, and nothing else, came as far as FATE Flow and the broker.
        assert reached == {"flow 10000": self.done["http"], "broker 10000": self.done["line"] + 1}

    def _wait(self, done: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not done() and not self.failures and time.monotonic() < end:
            time.sleep(0.05)
        assert done() or self.failures, self.done


@pytest.fixture(scope="module")
def guarded() -> Iterator[Site]:
    with site([9999, 10000], Topology.STAR, edit=quick) as here:
        yield here


@pytest.fixture(scope="module")
def unguarded() -> Iterator[Site]:
    """The same without the limits: a control."""
    with site([9999, 10000], Topology.STAR, edit=unlimited) as here:
        yield here


def address(here: Site, unit: str, port: int) -> tuple[str, int]:
    return here.public(unit), port


def ends_well(here: Site) -> None:
    """Each router is the one that was started, and no worker of it has fallen."""
    for made in here.routers.values():
        assert made.process is not None
        assert made.process.poll() is None
        assert not re.search(r"exited on signal|worker process \d+ exited with|\[emerg\]", made.log_text)


# Half-open connections and slow callers.


def half_open(here: Site, dial: Callable[..., socket.socket], each: int = HALF_OPEN) -> list[Caller]:
    """Connect to each outer listener so many times, and say nothing."""
    return [Caller(f"{unit}:{port}", dial(address(here, unit, port))) for unit, port in OUTER for _ in range(each)]


def slow(here: Site, dial: Callable[..., socket.socket]) -> list[Caller]:
    """Return callers that begin something and do not come to its end, of each kind once."""
    callers = []
    for unit, port in OUTER:
        first = hello(here.world.federation.dns_name("10000"))
        for kind, sent, rest in (
            ("half a hello", first[:100], b""),
            ("a dripping hello", first[:5], first[5:]),
            # From the exchange's data listener on it is the party's router that waits.
            ("a hello and no more", first, b""),
        ):
            callers.append(Caller(f"{unit}:{port} {kind}", dial(address(here, unit, port)), sent, rest))
    header, more = b"POST /v1/party/x HTTP/1.1\r\nHost: fate\r\nX-Slow: ", b"a" * 4000
    for unit, known in ((EXCHANGE, "9999"), ("10000", EXCHANGE)):
        where = address(here, unit, ports.ROUTER_OUTER_CONTROL)
        for pair in (None, leaf_of(known)):
            who = f"{unit} {'stranger' if pair is None else known}"
            for kind, protocol, sent, rest in (
                ("silent", "http/1.1", b"", b""),
                ("a dripping header", "http/1.1", header, more),
                ("a preface and no more", "h2", http2.PREFACE, b""),
                ("half an HTTP/2 header", "h2", http2.PREFACE + SETTINGS + HEADER[:40], b""),
                ("a dripping HTTP/2 header", "h2", http2.PREFACE + SETTINGS + HEADER[:40], HEADER[40:]),
            ):
                context = here.context(unit, pair)
                context.set_alpn_protocols([protocol])
                connection = dial(where, context, here.world.federation.dns_name(unit))
                callers.append(Caller(f"{who} {kind}", connection, sent, rest))
    return callers


def test_half_open_connections_end_and_keep_no_peer_out(guarded: Site) -> None:
    with open_files(6 * HALF_OPEN), Traffic(guarded).going_on(), crowd() as dial:
        assert still_open(half_open(guarded, dial), PATIENCE) == []
    ends_well(guarded)


def test_slow_callers_are_cut_off(guarded: Site) -> None:
    with Traffic(guarded).going_on(), crowd() as dial:
        assert still_open(slow(guarded, dial), PATIENCE) == []
    guarded.routers["10000"].wait_log("client timed out .* while reading client request headers")
    guarded.routers["10000"].wait_log("^control-in .*status=408 .*to=.-. ")
    ends_well(guarded)


def test_without_the_limits_half_open_and_slow_callers_stay(unguarded: Site) -> None:
    """A control: each of those callers is ended by a limit that is written, not by its own."""
    with crowd() as dial:
        callers = [*half_open(unguarded, dial, 1), *slow(unguarded, dial)]
        names = [caller.name for caller in callers]
        assert still_open(callers, 3 * QUICK) == names


# Garbage.


def garbage(here: Site, dial: Callable[..., socket.socket]) -> list[Caller]:
    """Send what is no TLS, what is broken TLS and, inside good TLS, what is no request."""
    noise = random.Random(5).randbytes
    first = hello(here.world.federation.dns_name("10000"))
    request = b"POST /v1/party/x HTTP/1.1\r\nHost: fate\r\ndest-party-id: 10000\r\nsrc-party-id: 9999\r\n\r\n"
    raw = {
        "plain HTTP": request,
        "plain HTTP/2": http2.PREFACE + SETTINGS + HEADER,
        "noise": noise(5000),
        "a record too long": b"\x16\x03\x01\xff\xff" + noise(5000),
        "an alert": b"\x15\x03\x01\x00\x02\x02\x28",
        "SSL 2": b"\x80\x2e\x01\x00\x02" + noise(44),
        "zeros": bytes(5000),
    }
    for at in range(5, len(first), 16):
        raw[f"a hello broken at {at}"] = first[:at] + noise(16) + first[at + 16 :]
    callers = [
        Caller(f"{unit}:{port} {kind}", dial(address(here, unit, port)), sent)
        for unit, port in OUTER
        for kind, sent in raw.items()
    ]
    inside = {"noise": noise(5000), "zeros": bytes(5000), "a frame too long": http2.PREFACE + b"\xff" * 9}
    for unit, known in ((EXCHANGE, "9999"), ("10000", EXCHANGE)):
        where, name = address(here, unit, ports.ROUTER_OUTER_CONTROL), here.world.federation.dns_name(unit)
        for kind, sent in inside.items():
            context = here.context(unit, leaf_of(known))
            context.set_alpn_protocols(["h2" if sent.startswith(http2.PREFACE) else "http/1.1"])
            callers.append(Caller(f"{unit} {kind} in TLS", dial(where, context, name), sent))
    return callers


def test_garbage_is_turned_away(guarded: Site) -> None:
    with Traffic(guarded).going_on(), crowd() as dial:
        callers = garbage(guarded, dial)
        assert still_open(callers, PATIENCE) == []
    for caller in callers:
        assert b" 200 " not in caller.answer, caller.name
    ends_well(guarded)


def test_without_tls_garbage_reaches_a_party() -> None:
    """A control: the count of what reached a party sees what comes in when listeners ask for nothing."""

    def bare(text: str) -> str:
        text = re.sub(rf"listen ({ports.ROUTER_OUTER_CONTROL}) ssl http2", r"listen \1", quick(text))
        text = re.sub(rf"listen ({ports.ROUTER_OUTER_DATA}) ssl", r"listen \1", text)
        text = re.sub(r'if \(\$control_\w+ = ""\) \{[^}]*\}', "", text)
        return text.replace("proxy_pass $data_in;", "proxy_pass broker;")

    with site([9999, 10000], Topology.STAR, edit=bare) as here, crowd() as dial:
        before = Counter(services.taken)
        still_open(garbage(here, partial(untrusting, dial)), 1)
        assert set(services.taken - before) == {"flow 10000", "broker 10000"}


def untrusting(dial: Callable[..., socket.socket], where: tuple[str, int], *_: object) -> socket.socket:
    return dial(where)


# Oversized headers.


def oversized(count: int) -> list[list[tuple[str, str]]]:
    """Return headers of about so many bytes: in one value, in one name, and in many fields."""
    return [
        [("x-long", "a" * count)],
        [("x-" + "a" * count, "long")],
        [(f"x-{at}", "a" * 1000) for at in range(count // 1000)],
    ]


@pytest.mark.parametrize("known", [True, False])
def test_oversized_headers_are_refused(guarded: Site, known: bool) -> None:
    pair = leaf_of(EXCHANGE) if known else None
    with Traffic(guarded).going_on():
        for long in oversized(100_000):
            for headers in ([*party("10000", "9999"), *long], [*long, *party("10000", "9999")]):
                assert status(partial(guarded.knock, "10000", pair, headers)) in REFUSED
                assert status(partial(guarded.knock_grpc, "10000", pair, dict(headers))) in REFUSED
                assert status(partial(guarded.knock, EXCHANGE, leaf_of("9999") if known else None, headers)) in REFUSED
    if known:
        guarded.routers["10000"].wait_log(
            '^control-in .*reason=bad-request status=400 src="9999" dest="10000" peer="exchange"'
        )
    ends_well(guarded)


def status(call: Callable[[], tuple[int, object]]) -> int:
    """Return the status of an answer, or 0 when the connection was closed instead."""
    try:
        return call()[0]
    except (*REFUSED_TLS, http.client.HTTPException):
        return 0


REFUSED = {0, 400, 414, 431, 494}


def test_with_larger_buffers_a_long_header_passes() -> None:
    """A control: it is nginx' limit on headers that refuses them. FATE Flow's stand-in takes lines of 64 KB."""

    def roomy(text: str) -> str:
        return text.replace("server_tokens off;", "server_tokens off; large_client_header_buffers 8 256k;")

    with site([9999, 10000], Topology.STAR, edit=roomy) as here:
        long = [*party("10000", "9999"), *oversized(60_000)[0]]
        assert status(partial(here.knock, "10000", leaf_of(EXCHANGE), long)) == 200
        # The stand-in for gRPC is nginx, which refuses it in its turn: 502 is beyond every check of the router.
        assert status(partial(here.knock_grpc, "10000", leaf_of(EXCHANGE), dict(long))) == 502


# Limits of the container, and of the text.


FEW = 300
"""Files that a router may have open at its start, for two workers each."""


def crowded(edit: Callable[[str], str]) -> bool:
    """Start routers under a small limit, fill the exchange, and tell whether it ran out of files."""
    with ExitStack() as stack:
        with open_files(FEW):
            here = stack.enter_context(site([9999, 10000], Topology.STAR, edit=edit))
        stack.enter_context(open_files(6 * HALF_OPEN))
        dial = stack.enter_context(crowd())
        where = address(here, EXCHANGE, ports.ROUTER_OUTER_CONTROL)
        callers = [Caller("half-open", dial(where)) for _ in range(HALF_OPEN)]
        exchange = here.routers[EXCHANGE]
        for caller in callers:
            caller.step()
        end = time.monotonic() + 2 * QUICK
        while "Too many open files" not in exchange.log_text and time.monotonic() < end:
            time.sleep(0.1)
        if "Too many open files" in exchange.log_text:
            return True
        with Traffic(here).going_on():
            time.sleep(0.5)
        return False


def test_a_container_s_small_limit_of_open_files_is_raised() -> None:
    assert not crowded(str)


def test_without_raising_it_half_open_connections_use_up_the_files() -> None:
    """A control."""
    assert crowded(lambda text: re.sub(r"^ulimit .*$", "", text, flags=re.MULTILINE))


@pytest.mark.parametrize("unit", [EXCHANGE, "10000"])
def test_each_limit_is_written_and_short(guarded: Site, unit: str) -> None:
    root = nginx_text.parse(guarded.world.base_texts(unit)["nginx.conf"])
    (http_block,), (stream,) = root.all("http"), root.all("stream")
    written = [http_block.get("client_header_timeout"), stream.get("preread_timeout")]
    written.append(stream.get("ssl_handshake_timeout"))
    (outer,) = (one for one in http_block.all("server") if " ssl " in " ".join(one.all("listen")[0].args))
    written.append(outer.get("keepalive_timeout"))
    assert all(int(limit.removesuffix("s")) <= 15 for limit in written)
