"""The supervisor: the embedded database, a gateway and the background roles, each in a process of its own.

    kameng serve ──┬── PostgreSQL           (unless KAMENG_DATABASE_URL; started first, stopped last)
                   ├── gateway, gateway 2 … on the one socket that the supervisor opened and keeps
                   └── worker, scheduler

What ends by itself is started again, with growing pauses. SIGTERM and SIGINT end everything in order: no new
connections, what was accepted is answered, then the database. SIGHUP (``reload``) starts new processes with the
settings and certificates of now, and only when they serve lets the old ones leave: nobody is cut off, and what
can't start changes nothing. A certificate that is renewed on the disk is taken the same way within the hour.
"""

from __future__ import annotations

import errno
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from kameng.kit import logs, settings
from kameng.kit.errors import Fault
from kameng.kit.settings import Settings
from kameng.ops import processes, running, tls
from kameng.ops.children import Child, Restarts
from kameng.ops.opening import Place
from kameng.ops.running import Running

log = logs.get_logger(__name__)

ROLES = ("gateway", "worker", "scheduler")
MODULES = {"gateway": "kameng.ops.gateway", "background": "kameng.ops.background"}
"""The main modules of the children. Another composition (the kill drill's) names its own."""
TICK_S = 0.25
READY_TIMEOUT_S = 90.0
LEAVE_S = 10.0
"""How long a replaced gateway still answers: every client that asks meanwhile is sent on in good order."""
DRAIN_S = 2.5
"""How long a proxy has to hear that this gateway leaves: more than two of its agent's checks."""
CERTIFICATE_LOOK_S = 3600.0


def open_socket(host: str, port: int) -> socket.socket:
    """The listening socket; 0 takes a free port."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError:
        raise Fault(
            f"{host} is no address of this machine: choose another with --host or KAMENG_HOST.\n"
            f"{host} 不是本机地址：请用 --host 或 KAMENG_HOST 另选。"
        ) from None
    opened = socket.socket(family, kind, protocol)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(address)
        opened.listen(processes.BACKLOG)
    except OSError as error:
        opened.close()
        raise _unusable(host, port, error) from None
    return opened


def _unusable(host: str, port: int, error: OSError) -> Fault:
    if error.errno == errno.EADDRINUSE:
        return Fault(
            f"Port {port} on {host} is taken by another program: choose another with --port {_other(port)}, or"
            f" KAMENG_PORT.\n端口 {port} 已被其他程序占用：请用 --port {_other(port)} 或 KAMENG_PORT 另选。"
        )
    if error.errno == errno.EACCES:
        return Fault(
            f"Ports below 1024 need rights that this user does not have: choose another with --port {_other(port)}.\n"
            f"当前用户无权使用 1024 以下的端口：请用 --port {_other(port)} 另选。"
        )
    return Fault(
        f"{host}:{port} can't be listened on ({error.strerror}): choose another with --host and --port.\n"
        f"无法监听 {host}:{port}（{error.strerror}）：请用 --host 和 --port 另选。"
    )


def _other(port: int) -> int:
    return port + 1000 if 1024 <= port < 64_000 else 9443


def serve(
    chosen: Settings,
    roles: Sequence[str],
    place: Place,
    *,
    announce: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve until told to stop. ``announce`` gets the address when everything answers.

    The database is the caller's to start and stop; should an embedded one die, it is started again here.
    """
    processes.raise_open_files()
    supervisor = Supervisor(chosen, roles, place)
    with _signals_wait():
        try:
            if supervisor.start():
                announce(supervisor.url)
            supervisor.watch()
        finally:
            supervisor.stop()


@contextmanager
def _signals_wait() -> Iterator[None]:
    """Signals are taken when we look, so that none interrupts anything."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, processes.SUPERVISED)
    handlers = {one: signal.signal(one, _hand_over) for one in processes.SUPERVISED - {signal.SIGCHLD}}
    try:
        yield
    finally:
        for one, handler in handlers.items():
            signal.signal(one, handler)
        while signal.sigtimedwait(processes.SUPERVISED, 0):
            pass  # asked for more than once: done
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _hand_over(number: int, _: object) -> None:
    """A thread of some library, begun before signals were blocked, got one: it is the supervisor's."""
    signal.pthread_kill(threading.main_thread().ident or 0, number)


class _Role:
    """One child that should always be there."""

    def __init__(self, name: str, module: str, arguments: Sequence[str] = (), *, has_visitors: bool = False) -> None:
        self.name = name
        self.module = module
        self.arguments = arguments
        self.has_visitors = has_visitors
        self.child: Child | None = None
        self.restarts = Restarts()


class Supervisor:
    def __init__(self, chosen: Settings, roles: Sequence[str], place: Place) -> None:
        self._chosen = chosen
        self._place = place
        self._listener = open_socket(chosen.host, chosen.port) if "gateway" in roles else None
        self._port = self._listener.getsockname()[1] if self._listener else chosen.port
        self.url = settings.local_url(chosen, self._port) if self._listener else ""
        count = chosen.gateways if self._listener else 0
        self._roles = [
            _Role("gateway" if number == 1 else f"gateway {number}", MODULES["gateway"], has_visitors=True)
            for number in range(1, count + 1)
        ]
        if unseen := [role for role in roles if role != "gateway"]:
            self._roles.append(_Role("+".join(unseen), MODULES["background"], unseen))
        self._leaving: list[tuple[float, Child]] = []  # since when, and who
        self._told: Running = running.new(tuple(roles))
        self._told.url = self.url
        self._certificates = self._certificate_state()
        self._look_at_s = time.monotonic() + CERTIFICATE_LOOK_S
        self._has_terminal = _has_terminal()
        self._reload_due = False
        self._stopping = False

    # from start to stop ------------------------------------------------------------------------------------

    def start(self) -> bool:
        """Everything at once; ``Fault`` if one of them can't. False: told to stop meanwhile."""
        if self._listener:
            tls.certificate_files(self._chosen)  # a bad one is told here, in one clear line
        for role in self._roles:
            role.child = self._launch(role)
        for role in self._roles:
            assert role.child is not None
            if not self._comes_up(role.child):
                if self._stopping:
                    return False
                raise Fault(
                    f"The {role.name} did not start; its last words stand above.\n"
                    f"{role.name} 未能启动，原因见上。"
                )
        self._tell()
        return True

    def watch(self) -> None:
        """Until told to stop."""
        while not self._stopping:
            self._wait(TICK_S)
            if self._reload_due and not self._stopping:
                self._reload_due = False
                self._reload()
            self._revive_database()
            self._revive_children()
            self._retire()
            self._look_at_certificate()

    def stop(self) -> None:
        """End everything, the gateway first deaf; a second Ctrl-C does not wait."""
        children = [role.child for role in self._roles if role.child] + [child for _, child in self._leaving]
        if self._listener and self._chosen.agent_port:
            for child in children:
                child.drain()
            self._sleep(DRAIN_S)
        for child in children:
            child.leave()
        if self._listener:
            self._sleep(processes.DEAF_S)
        for child in children:
            child.end()
        while children := [child for child in children if not child.is_over()]:
            if self._wait(TICK_S / 5) is signal.SIGINT:
                for child in children:
                    child.kill()
        if self._listener:
            self._listener.close()
        running.remove(self._chosen.data_dir, self._told)

    # signals -----------------------------------------------------------------------------------------------

    def _wait(self, timeout_s: float) -> int | None:
        """Take the next signal, if one comes."""
        got = signal.sigtimedwait(processes.SUPERVISED, timeout_s)
        what = None if got is None else got.si_signo
        if what in (signal.SIGTERM, signal.SIGINT):
            self._stopping = True
        elif what == signal.SIGHUP:
            if self._has_terminal and not _has_terminal():
                self._stopping = True  # it was closed, nobody asked for a reload
            self._reload_due = True
        return what

    def _sleep(self, seconds: float) -> None:
        until_s = time.monotonic() + seconds
        while (left_s := until_s - time.monotonic()) > 0:
            self._wait(left_s)

    # children ----------------------------------------------------------------------------------------------

    def _launch(self, role: _Role) -> Child:
        environ = dict(os.environ)
        environ["KAMENG_DATABASE_URL"] = self._place.app_url
        if self._listener:
            environ["KAMENG_PORT"] = str(self._port)  # where 0 was asked for
        fd = self._listener.fileno() if self._listener and role.has_visitors else None
        return Child(role.module, role.arguments, listening_fd=fd, environ=environ)

    def _comes_up(self, child: Child) -> bool:
        """Wait until it serves. False: it ended, took too long, or we are told to stop."""
        until_s = time.monotonic() + READY_TIMEOUT_S
        while not child.is_ready():
            if self._stopping or child.has_ended() or time.monotonic() > until_s:
                return False
            self._wait(TICK_S / 5)
        return True

    def _revive_children(self) -> None:
        for role in self._roles:
            if role.child is not None and role.child.has_ended():
                pause_s = role.restarts.ended(role.child)
                log.error("a child ended by itself and is started again", name=role.name, pid=role.child.pid,
                          status=role.child.status, pause_s=pause_s)  # fmt: skip
                role.child.is_over()
                role.child = None
            if role.child is None and time.monotonic() >= role.restarts.at_s:
                role.child = self._launch(role)
                self._tell()

    def _revive_database(self) -> None:
        """A database that died is started again; its clients come back by themselves."""
        if self._place.is_alive():
            return
        log.error("the embedded database ended by itself and is started again")
        url = self._place.url
        try:
            self._place.restart()
        except Fault as error:
            log.error("the embedded database does not start", error)
            self._sleep(1.0)
        if self._place.url != url:
            self._reload()

    def _retire(self) -> None:
        """Those who were replaced: let go when their clients had time to go, buried when they ended."""
        now_s = time.monotonic()
        for since_s, child in self._leaving:
            if child.end_by_s is None and now_s - since_s >= LEAVE_S:
                child.end()
        still = [(since_s, child) for since_s, child in self._leaving if not child.is_over()]
        if self._leaving and not still:
            self._told.generation += 1
            self._tell()
            log.info("the reload is complete", generation=self._told.generation)
        self._leaving = still

    # reload ------------------------------------------------------------------------------------------------

    def _reload(self) -> None:
        """New processes beside the old; then the old may leave. The gateway goes first: it must know new keys
        before anything is sealed with them."""
        if not self._may_reload():
            return
        for role in self._roles:
            fresh = self._launch(role)
            if not self._comes_up(fresh):
                log.error("the new process did not come up, the old one stays", name=role.name)
                fresh.kill()
                fresh.is_over()
                return
            old, role.child = role.child, fresh
            if old is not None:
                old.leave()
                self._leaving.append((time.monotonic(), old))
        self._certificates = self._certificate_state()
        self._tell()
        log.info("reloaded: new processes serve", roles=", ".join(role.name for role in self._roles))

    def _may_reload(self) -> bool:
        try:
            fresh = settings.load()
            if self._listener:
                tls.certificate_files(fresh)
        except Fault as error:
            log.error("not reloaded: the settings can't be used", error)
            return False
        if (fresh.host, fresh.port, fresh.gateways) != (self._chosen.host, self._chosen.port, self._chosen.gateways):
            log.warning("host, port and the number of gateways change with a restart only", port_now=self._port)
        return True

    def _look_at_certificate(self) -> None:
        """Once an hour: renew our own when it is due, and take one that was renewed on the disk."""
        if self._listener is None or time.monotonic() < self._look_at_s:
            return
        self._look_at_s = time.monotonic() + CERTIFICATE_LOOK_S
        with suppress(Fault):  # a bad one on the disk: what is served stays
            tls.certificate_files(self._chosen)
            if self._certificate_state() != self._certificates:
                self._reload()

    def _certificate_state(self) -> tuple[int, ...]:
        pair = (
            (self._chosen.data_dir / "tls" / "certificate.pem",)
            if not self._chosen.tls_certificate
            else (Path(self._chosen.tls_certificate), Path(self._chosen.tls_key))
        )
        with suppress(OSError):
            return tuple(path.stat().st_mtime_ns for path in pair)
        return ()

    def _tell(self) -> None:
        self._told.children = {role.name: role.child.pid for role in self._roles if role.child}
        running.write(self._chosen.data_dir, self._told)


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR))
    except OSError:
        return False
    return True
