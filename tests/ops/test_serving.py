"""The platform at work: the run that shows itself, what comes back when it is killed, reload without a loss."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest
from command import Service, data_folder, kameng, until

from kameng.kit import settings
from kameng.kit.settings import Settings
from kameng.ops import demo
from kameng.ops.children import Restarts
from kameng.ops.demo import Demo, Signed


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    """One data folder for all: each test leaves a platform that stands still."""
    with data_folder() as made:
        yield made


@pytest.fixture
def service(data: Path) -> Iterator[Service]:
    with Service(data, "run", "--port", "0") as running:
        running.await_said("Ctrl-C")
        yield running


def shown(service: Service) -> Demo:
    return demo.read(settings_of(service))


def settings_of(service: Service) -> Settings:
    return Settings(data_dir=service.data)


def place(service: Service, **order: str | int | bool) -> tuple[int, dict[str, object]]:
    """An order of the demo merchant, sent and answered."""
    signed = demo.sign(shown(service), service.told.url, **order)  # type: ignore[arg-type]
    status, answer = demo.send(signed, settings_of(service))
    return status, answer


def paste(service: Service) -> tuple[int, dict[str, object]]:
    """The printed order, pasted into a shell; where there is no curl, what it says is done here."""
    command = re.search(r"^curl (?:.*\\\n)+.*$", service.said, re.MULTILINE)
    assert command
    if shutil.which("curl"):
        text = f"{command[0]} -s -w '\\n%{{http_code}}'"
        done = subprocess.run(["sh", "-c", text], capture_output=True, text=True, check=True)
        body, _, status = done.stdout.rpartition("\n")
        return int(status), json.loads(body)
    words = shlex.split(command[0])
    (authorization,) = [word.partition(": ")[2] for word in words if word.startswith("Authorization")]
    (url,) = [word for word in words if word.startswith("http")]
    return demo.send(Signed(url, authorization, words[-1].encode()), settings_of(service))


def test_a_run_prints_an_order_that_works_stops_cleanly_and_comes_back_the_same(data: Path) -> None:
    with Service(data, "run", "--port", "0") as service:
        said = service.await_said("Ctrl-C")
        assert said.index("卡盟已启动") < said.index("Kameng is running")
        first = shown(service)
        assert first.key in said
        assert first.secret not in said
        assert first.sandbox_secret not in said
        assert demo.file_of(settings_of(service)).stat().st_mode & 0o777 == 0o600
        assert re.search(r"https://127\.0\.0\.1:\d+/docs", said)

        status, answer = paste(service)
        assert (status, answer["state"], answer["replayed"]) == (201, "delivered", False)
        (card,) = msgspec.convert(answer["cards"], list[dict[str, str]])
        assert re.fullmatch(r"KM[0-9A-F]{16}", card["number"])
        assert re.fullmatch(r"[0-9A-F]{4}(-[0-9A-F]{4}){3}", card["secret"])

        ref = str(answer["client_ref"])
        assert place(service, client_ref=ref) == (200, {**answer, "replayed": True})
        status, problem = paste(service)
        assert (status, problem["code"]) == (401, "nonce_used")
        assert service.stop() == 0
        assert "已停止。Stopped." in service.said
    assert not list((data / "run").iterdir())

    with Service(data, "run", "--port", "0", "--plain-http") as service:
        service.await_said("Ctrl-C")
        assert shown(service) == first
        assert "curl http://127.0.0.1" in service.said
        done = kameng(data, "try", "--ref", ref, KAMENG_TLS_CERTIFICATE="off", KAMENG_TLS_KEY="off")
        assert (done.returncode, json.loads(done.stdout.partition("→ 200\n")[2])["cards"]) == (0, [card])
        done = kameng(data, "try", "--sku", "1", KAMENG_TLS_CERTIFICATE="off", KAMENG_TLS_KEY="off")
        assert done.returncode == 1
        assert '"code": "unknown_sku"' in done.stdout
        assert service.stop(signal.SIGTERM) == 0


def test_who_is_killed_comes_back(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "TIMEOUT_S", 60.0)  # a busy machine takes its time to start a process
    assert place(service)[0] == 201

    background = service.told.children["worker+scheduler"]
    os.kill(background, signal.SIGKILL)
    until(lambda: service.told.children.get("worker+scheduler", background) != background)

    gateway = service.told.children["gateway"]
    os.kill(gateway, signal.SIGKILL)
    assert place(service)[0] == 201  # waits in the socket's queue until somebody is there
    assert service.told.children["gateway"] != gateway

    postgres = next(one for one in service.family() if one.name() == "postgres").pid
    os.kill(postgres, signal.SIGKILL)
    ref = "after-the-database"
    until(lambda: place(service, client_ref=ref)[0] in (200, 201))
    assert place(service, client_ref=ref)[0] == 200
    assert service.stop() == 0


def test_gateways_share_the_port_and_each_serves(data: Path) -> None:
    with Service(data, "run", "--port", "0", "--plain-http", KAMENG_GATEWAYS="2") as service:
        service.await_said("Ctrl-C")
        children = service.told.children
        assert set(children) == {"gateway", "gateway 2", "worker+scheduler"}
        for name in ("gateway", "gateway 2"):  # who stands still takes no visitors
            os.kill(children[name], signal.SIGSTOP)
            try:
                assert place(service)[0] == 201
            finally:
                os.kill(children[name], signal.SIGCONT)
        service.process.send_signal(signal.SIGHUP)
        until(lambda: service.told.generation == 1)
        assert set(service.told.children) == set(children)
        assert set(service.told.children.values()).isdisjoint(children.values())
        assert place(service)[0] == 201
        assert service.stop() == 0


class Load:
    """Clients that order all the time, over new connections and over kept ones, and count what comes back."""

    def __init__(self, service: Service) -> None:
        self.counts: Counter[str] = Counter()
        self.losses: list[str] = []
        self._shown, self._url = shown(service), service.told.url
        self._ends = threading.Event()
        trust = ssl.create_default_context()
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
        self._trust = trust
        pauses = [None, None, 0.0, 0.01, 0.02, 0.2, 1.0]
        self._threads = [threading.Thread(target=self._order, args=(pause_s,)) for pause_s in pauses]

    def _order(self, pause_s: float | None) -> None:
        connection: HTTPSConnection | None = None
        while not self._ends.is_set():
            order = demo.sign(self._shown, self._url, sandbox=True)
            headers = {"Authorization": order.authorization, "Content-Type": "application/json"}
            if connection is None:
                connection = HTTPSConnection(urlsplit(self._url).netloc, timeout=15, context=self._trust)
            try:
                connection.request("POST", demo.PLACE, order.body, headers)
                answer = connection.getresponse()
                answer.read()
                self.counts[str(answer.status)] += 1
            except (OSError, HTTPException) as error:
                self.losses.append(f"{pause_s}: {error!r}")
                answer = None
            if pause_s is None or answer is None or answer.will_close:
                self.counts["sent on"] += pause_s is not None
                connection.close()
                connection = None
            self._ends.wait(0.01 if pause_s is None else pause_s)
        if connection:
            connection.close()

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        for thread in self._threads:
            thread.join(30)


def test_a_reload_takes_new_keys_and_a_new_certificate_and_loses_no_request(service: Service) -> None:
    """Rotating the key ring is what needs it most: it tells the platform to reload (SIGHUP), and waits for it."""
    address = ("127.0.0.1", urlsplit(service.told.url).port or 0)
    before, told = ssl.get_server_certificate(address), service.told
    for file in (service.data / "tls").iterdir():
        file.unlink()
    with Load(service) as load:
        until(lambda: load.counts["201"] > 50)
        done = kameng(service.data, "keyring", "rotate")
        at_the_end = load.counts["201"]
        until(lambda: load.counts["201"] > at_the_end + 50)
    assert done.returncode == 0, done.stderr
    assert "The key is now number 2" in done.stdout
    assert "The running processes know it" in done.stdout
    assert load.losses == []
    assert set(load.counts) == {"201", "sent on"}
    assert load.counts["sent on"] >= 5  # every kept connection
    assert ssl.get_server_certificate(address) != before
    assert service.told.generation == 1
    assert set(service.told.children.values()).isdisjoint(told.children.values())

    file = service.data / "fresh.txt"
    # More than a chunk for each lane, so that the buyer's has some too.
    rows = [f"NEW{number},SECRET{number},2027-06-30" for number in range(10_000, 12_000)]
    file.write_text("\n".join(["卡号,卡密,有效期", *rows]))
    loaded = kameng(service.data, "cards", "load", str(file), "--sku", shown(service).sku)
    assert loaded.returncode == 0, loaded.stdout + loaded.stderr
    status, answer = place(service)  # the earliest to expire is sold first: it opens under the new key
    (card,) = answer["cards"]
    assert (status, f"{card['number']},{card['secret']},{card['expires_on']}" in rows) == (201, True)
    assert service.stop() == 0


def test_what_can_not_start_replaces_nothing(service: Service) -> None:
    children = service.told.children
    (service.data / "kameng.toml").write_text('log_level = "loud"\n')
    try:
        service.process.send_signal(signal.SIGHUP)
        service.await_said("not reloaded: the settings can't be used")
        assert "log_level" in service.said
        assert service.told.children == children
        assert place(service)[0] == 201
    finally:
        (service.data / "kameng.toml").unlink()
    assert service.stop() == 0


def test_a_stop_answers_what_was_accepted(service: Service) -> None:
    """A request of which only the head has come when the stop does: its body is waited for, and answered."""
    order = demo.sign(shown(service), service.told.url, sandbox=True)
    port = urlsplit(order.url).port
    trust = ssl.create_default_context()
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    with trust.wrap_socket(socket.create_connection(("127.0.0.1", port or 0)), server_hostname="localhost") as line:
        head = (
            f"POST {demo.PLACE} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Authorization: {order.authorization}\r\nContent-Length: {len(order.body)}\r\n\r\n"
        )
        line.sendall(head.encode() + order.body[:5])
        time.sleep(0.3)
        service.process.send_signal(signal.SIGTERM)
        time.sleep(1.0)
        line.sendall(order.body[5:])
        answer = b""
        while more := line.recv(4096):
            answer += more
    assert answer.startswith(b"HTTP/1.1 201 ")
    assert b"connection: close" in answer.lower()
    assert service.process.wait(30) == 0


def test_a_taken_port_is_told_with_the_remedy(data: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = kameng(data, "serve", "--port", str(port))
    assert done.returncode == 2
    assert f"Port {port} on 127.0.0.1 is taken" in done.stderr
    assert "端口" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_who_keeps_ending_waits_longer_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ended:
        since_s = 0.0

    now_s = 10.0
    monkeypatch.setattr(time, "monotonic", lambda: now_s)
    restarts, child = Restarts(), Ended()
    child.since_s = 9.0
    assert [restarts.ended(child) for _ in range(8)] == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]  # type: ignore[arg-type]
    assert restarts.at_s == 40.0
    child.since_s = -50.0
    assert restarts.ended(child) == 0.5  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("host", "certificate", "url"),
    [
        ("127.0.0.1", "", "https://127.0.0.1:1"), ("0.0.0.0", "", "https://127.0.0.1:1"),
        ("::", "off", "http://[::1]:1"), ("::1", "", "https://[::1]:1"), ("shop.local", "off", "http://shop.local:1"),
    ],
)  # fmt: skip
def test_the_local_address(host: str, certificate: str, url: str) -> None:
    chosen = Settings(host=host, tls_certificate=certificate, tls_key=certificate)
    assert settings.local_url(chosen, 1) == url
