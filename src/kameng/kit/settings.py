"""Settings: one frozen Struct from the environment, over a TOML file, over defaults.

``KAMENG_PORT=9443`` beats ``port = 9443`` in ``KAMENG_CONFIG`` (or ``<data dir>/kameng.toml``), which beats
the default. A name that is no setting and a value that can't be used are refused, so a slip is never a silent
default. Every setting stands in docs/settings.md; a test compares the two.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from kameng.kit.errors import Fault

PREFIX = "KAMENG_"
NOT_SETTINGS = frozenset(
    {"KAMENG_CONFIG", "KAMENG_PYTHON"}
    | {"KAMENG_URL", "KAMENG_KEY", "KAMENG_SECRET", "KAMENG_REF", "KAMENG_CA", "KAMENG_INSECURE_TLS"}
)
"""Names that are no settings: the file itself, the Python that ./run starts with, and what the examples read."""
TEST_PREFIX = "KAMENG_TEST_"
_NETWORKS = ("trusted_proxies", "metrics_networks", "webhook_networks")

PRIVATE_DAYS = 180
"""Half a year: as long as anybody asks about a top-up."""
_UNSET = Path()


def _default_data_dir() -> Path:
    return Path("/var/lib/kameng") if os.geteuid() == 0 else Path.home() / ".local/share/kameng"


def _says(doc: str, default: str = "", *, hidden: bool = False) -> Meta:
    """``default``: what the docs print where it depends on the machine. ``hidden``: may hold a password."""
    return Meta(description=doc, extra={"default": default, "hidden": hidden})


Count = Annotated[int, Meta(ge=1)]
Seconds = Annotated[int, Meta(ge=1)]
Port = Annotated[int, Meta(ge=0, le=65_535)]
Lanes = Annotated[int, Meta(ge=1, le=1024)]
Batch = Annotated[int, Meta(ge=1, le=4096)]
Whole = Annotated[int, Meta(ge=0, le=100_000_000)]
PerMille = Annotated[int, Meta(ge=0, le=999)]
Days = Annotated[int, Meta(ge=1, le=36_500)]
Gateways = Annotated[int, Meta(ge=1, le=64)]
ConfirmDays = Annotated[int, Meta(ge=0, le=60)]
ReserveSeconds = Annotated[int, Meta(ge=10, le=600)]
Minutes = Annotated[int, Meta(ge=1, le=525_600)]
Percent = Annotated[int, Meta(ge=1, le=100)]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator chose. Made once per process; ``repr`` does not show the database's password."""

    database_url: Annotated[
        str, _says("The PostgreSQL server (16 or newer) to use; empty: the embedded one.", hidden=True)
    ] = ""
    data_dir: Annotated[
        Path,
        _says(
            "The folder of everything Kameng keeps.",
            "`/var/lib/kameng` as root, else `~/.local/share/kameng`",
        ),
    ] = msgspec.field(default_factory=_default_data_dir)
    key_ring_file: Annotated[
        Path, _says("The file of the keys that seal cards and private data.", "`<data_dir>/keyring.json`")
    ] = _UNSET
    host: Annotated[str, _says("The address the gateway listens on.")] = "127.0.0.1"
    port: Annotated[Port, _says("The port the gateway listens on; 0 takes a free one.")] = 8443
    tls_certificate: Annotated[
        str, _says("The file of the certificate chain (PEM); empty: self-signed; `off`: plain http.")
    ] = ""
    tls_key: Annotated[
        str, _says("The file of the certificate's private key (PEM); empty: self-signed; `off`: plain http.")
    ] = ""
    public_url: Annotated[
        str, _says("The address users reach the platform at; empty: made from host and port.")
    ] = ""
    trusted_proxies: Annotated[
        tuple[str, ...], _says("The networks (CIDR) of proxies whose X-Forwarded-For is believed.")
    ] = ()
    lanes: Annotated[Lanes, _says("How many lanes there are; may grow, never shrink.")] = 4
    gateways: Annotated[
        Gateways, _says("How many gateway processes share the port; each opens 2 × lanes + 6 database connections.")
    ] = 1
    batch_max: Annotated[Batch, _says("The most wishes a lane decides in one transaction.")] = 512
    queue_target_ms: Annotated[
        Count, _says("The longest a wish may wait in a lane's queue before the door answers 503.")
    ] = 200
    request_body_max: Annotated[Count, _says("The largest request body taken, in bytes.")] = 4 * 1024 * 1024
    request_timeout_s: Annotated[Seconds, _says("The longest a request may take to arrive whole.")] = 10
    job_batch: Annotated[Batch, _says("The most jobs of a kind that a worker takes at once.")] = 100
    job_lease_s: Annotated[
        Seconds, _says("How long a silent worker keeps its jobs before they come back.")
    ] = 60
    job_attempts_max: Annotated[
        Count, _says("How often a job is tried before it goes to the dead-letter desk.")
    ] = 12
    adjustment_limit_yuan: Annotated[
        Whole, _says("Up to how many yuan one person may add to or take from a wallet; above, a second one decides.")
    ] = 1000
    withdrawal_limit_yuan: Annotated[
        Whole, _says("Up to how many yuan one person may approve a withdrawal; above, it takes two.")
    ] = 5000
    withdrawal_fee_per_mille: Annotated[
        PerMille, _says("What a withdrawal costs, in thousandths of its amount, rounded up to whole fen.")
    ] = 0
    withdrawal_fee_least_yuan: Annotated[Whole, _says("The least a withdrawal costs, in yuan.")] = 0
    epay_fee_per_mille: Annotated[
        PerMille, _says("What the house keeps of payments that it collects for members' own shops, in thousandths.")
    ] = 6
    metrics_port: Annotated[
        Port, _says("The port on which worker and scheduler show `/metrics`, this machine only; 0: none.")
    ] = 0
    metrics_networks: Annotated[
        tuple[str, ...], _says("The networks (CIDR) that may read `/metrics` besides this machine.")
    ] = ()
    agent_port: Annotated[
        Port, _says("The port on which a gateway tells HAProxy's agent-check what it can take, on `host`; 0: none.")
    ] = 0
    webhook_http: Annotated[
        Literal["off", "on"], _says("Whether webhooks may go to plain http addresses; for development.")
    ] = "off"
    webhook_networks: Annotated[
        tuple[str, ...], _says("The networks (CIDR) besides the public internet that webhooks may go to.")
    ] = ()
    smtp_host: Annotated[str, _says("The mail server that sends e-mail; empty: none is sent.")] = ""
    smtp_port: Annotated[Port, _says("The mail server's port.")] = 587
    smtp_security: Annotated[
        Literal["starttls", "tls", "off"], _says("How the mail server is spoken to: STARTTLS, TLS at once, in clear.")
    ] = "starttls"
    smtp_user: Annotated[str, _says("The sign-in at the mail server; empty: none.")] = ""
    smtp_password: Annotated[str, _says("The password at the mail server.", hidden=True)] = ""
    smtp_sender: Annotated[str, _says("The address that e-mail comes from.")] = "kameng@localhost"
    sms_url: Annotated[
        str, _says("The SMS gateway (Alibaba Cloud's, or one that speaks as it does); empty: none is sent.")
    ] = ""
    sms_key_id: Annotated[str, _says("The access key's id at the SMS gateway.")] = ""
    sms_key_secret: Annotated[str, _says("The access key's secret at the SMS gateway.", hidden=True)] = ""
    sms_sign_name: Annotated[str, _says("The signature (签名) that SMS begin with, as the gateway knows it.")] = ""
    backup_dir: Annotated[
        Path, _says("The folder of backups and of the WAL archive; best on another disk.", "`<data_dir>/backups`")
    ] = _UNSET
    wal_archive: Annotated[
        Literal["off", "on"],
        _says("Whether the embedded server keeps its WAL, to be restored to any second; it grows until pruned."),
    ] = "off"
    manual_due_minutes: Annotated[
        Minutes, _says("Within how many minutes people answer an order, where its SKU promises nothing.")
    ] = 120
    manual_take_minutes: Annotated[
        Minutes, _says("How many minutes somebody may keep a task that he took and does not answer.")
    ] = 30
    confirm_days: Annotated[
        ConfirmDays,
        _says("For how many days a buyer may confirm what came, the money in escrow; where its SKU is silent."),
    ] = 0
    reserve_s: Annotated[
        ReserveSeconds, _says("How long goods wait for a payment through a channel.")
    ] = 600
    reserve_buyer_max: Annotated[Count, _says("The most unpaid orders of one guest or member.")] = 3
    reserve_ip_max: Annotated[Count, _says("The most unpaid orders that come from one address.")] = 10
    reserve_share_percent: Annotated[
        Percent, _says("The most of a SKU's cards, in percent, that unpaid orders may keep from others.")
    ] = 20
    synchronous_standby: Annotated[
        Literal["off", "on"],
        _says("Whether the embedded server answers only when its standby has an order too; without one orders wait."),
    ] = "off"
    private_days: Annotated[
        Days,
        _says(
            "How many days after it was placed a final order's account (phone, address, …) is removed;"
            " and how long payment providers' notices are kept as they came."
        ),
    ] = PRIVATE_DAYS
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], _says("The least important lines to log.")
    ] = "info"
    log_format: Annotated[Literal["json", "text"], _says("JSON lines for machines, or text for people.")] = (
        "text"
    )

    def __post_init__(self) -> None:
        if self.key_ring_file == _UNSET:
            msgspec.structs.force_setattr(self, "key_ring_file", self.data_dir / "keyring.json")
        if self.backup_dir == _UNSET:
            msgspec.structs.force_setattr(self, "backup_dir", self.data_dir / "backups")

    def __repr__(self) -> str:
        shown = (f"{x.name}={'***' if x.hidden else repr(getattr(self, x.name))}" for x in describe())
        return f"Settings({', '.join(shown)})"


class Setting(msgspec.Struct, frozen=True):
    """One setting, described."""

    name: str
    environment: str
    default: str  # as the docs print it
    doc: str
    type: Any
    hidden: bool


def describe() -> list[Setting]:
    """Every setting with its default and its sentence."""
    hints = get_type_hints(Settings, include_extras=True)
    found = []
    for field in msgspec.structs.fields(Settings):
        meta = next(x for x in hints[field.name].__metadata__ if x.extra)
        default = meta.extra["default"] or _as_toml(field.default)
        found.append(
            Setting(
                name=field.name,
                environment=PREFIX + field.name.upper(),
                default=default,
                doc=meta.description,
                type=hints[field.name],
                hidden=meta.extra["hidden"],
            )
        )
    return found


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of this process; ``Fault`` says which one to mend, and how."""
    known = {setting.name: setting for setting in describe()}
    chosen = _from_environment(environ, known)
    data_dir = chosen.get("data_dir") or _default_data_dir()
    for name, value in _from_file(environ, data_dir, known).items():
        chosen.setdefault(name, value)
    settings = Settings(**chosen)
    _check(settings)
    return settings


def _from_environment(environ: Mapping[str, str], known: dict[str, Setting]) -> dict[str, Any]:
    chosen = {}
    by_environment = {setting.environment: setting for setting in known.values()}
    for name, text in environ.items():
        if not name.startswith(PREFIX) or name.startswith(TEST_PREFIX) or name in NOT_SETTINGS:
            continue
        if name not in by_environment:
            raise Fault(_unknown(f"{name} in the environment", name, [*by_environment, *NOT_SETTINGS]))
        setting = by_environment[name]
        is_list = setting.name in _NETWORKS
        value = [part.strip() for part in text.split(",") if part.strip()] if is_list else text
        chosen[setting.name] = _convert(value, setting, where=name, strict=False)
    return chosen


def _from_file(environ: Mapping[str, str], data_dir: Path, known: dict[str, Setting]) -> dict[str, Any]:
    named = environ.get("KAMENG_CONFIG", "")
    path = Path(named).expanduser() if named else data_dir / "kameng.toml"
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        if named:
            raise Fault(
                f"KAMENG_CONFIG names {path}, which does not exist: create it, or unset it."
            ) from None
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        # The reason names a place, never the line itself, which may hold the database's password.
        reason = error.strerror if isinstance(error, OSError) else error
        raise Fault(f"{path} can't be read as TOML ({reason}): mend it, or move it away.") from None
    chosen = {}
    for name, value in table.items():
        if name not in known:
            raise Fault(_unknown(f"{name} in {path}", name, list(known)))
        chosen[name] = _convert(value, known[name], where=f"{name} in {path}", strict=True)
    return chosen


def _convert(value: Any, setting: Setting, *, where: str, strict: bool) -> Any:
    try:
        return msgspec.convert(value, setting.type, strict=strict, dec_hook=_path)
    except msgspec.ValidationError:
        got = "" if setting.hidden else f", got {value!r}"
        raise _bad(setting, f"expected {_expected(setting.type)}{got}", where=where) from None


def _expected(annotated: Any) -> str:
    """What a type takes, for people."""
    kind = annotated.__origin__
    if get_origin(kind) is Literal:
        return " or ".join(get_args(kind))
    if kind is int:
        limits: dict[str, int] = {}
        for meta in annotated.__metadata__:
            limits |= {side: limit for side in ("ge", "le") if (limit := getattr(meta, side)) is not None}
        span = "from {ge} to {le}" if "le" in limits else "of at least {ge}"
        return f"a whole number {span.format_map(limits)}"
    return {Path: "an absolute path", str: "a text"}.get(kind, "a list of texts")


def _path(kind: type, value: Any) -> Any:
    path = Path(value).expanduser() if kind is Path and isinstance(value, str) else Path()
    if not path.is_absolute():
        raise ValueError("not an absolute path")  # msgspec makes it a ValidationError
    return path


def _check(settings: Settings) -> None:
    """What one field's type can't say."""
    known = {setting.name: setting for setting in describe()}

    def refuse(name: str, reason: str) -> Fault:
        return _bad(known[name], reason, where=name)

    if settings.database_url and not settings.database_url.startswith(("postgresql://", "postgres://")):
        raise refuse("database_url", "expected postgresql://user:password@host/database, or nothing")
    if settings.public_url and not settings.public_url.startswith(("https://", "http://")):
        raise refuse("public_url", f"expected an address with https://, got {settings.public_url!r}")
    if settings.tls_certificate == "off" or settings.tls_key == "off":
        if (settings.tls_certificate or "off") != (settings.tls_key or "off"):
            raise refuse("tls_key", "expected `off`, or a file for both tls_certificate and tls_key")
    elif bool(settings.tls_certificate) != bool(settings.tls_key):
        raise refuse("tls_key", "expected both tls_certificate and tls_key, or neither")
    for name in _NETWORKS:
        for network in getattr(settings, name):
            try:
                ipaddress.ip_network(network)
            except ValueError:
                raise refuse(name, f"expected networks like 10.0.0.0/8, got {network!r}") from None


def _bad(setting: Setting, reason: str, *, where: str) -> Fault:
    default = setting.default if "`" in setting.default else f"`{setting.default}`"
    return Fault(
        f"{where} can't be used: {reason}. {setting.doc}"
        f" Correct {setting.environment} or `{setting.name}`, or remove it for the default: {default}."
    )


def _unknown(what: str, name: str, known: list[str]) -> str:
    bare = {other.removeprefix(PREFIX): other for other in known}  # what all share makes none of them near
    near = difflib.get_close_matches(name.removeprefix(PREFIX), bare, n=1, cutoff=0.5)
    return f"{what} is not a setting" + (
        f"; did you mean {bare[near[0]]}?" if near else "; see docs/settings.md."
    )


def _as_toml(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple):
        return f"[{', '.join(_as_toml(part) for part in value)}]"
    return str(value)


def local_url(chosen: Settings, port: int) -> str:
    """How this machine reaches its gateway."""
    host = f"[{chosen.host}]" if ":" in chosen.host else chosen.host
    with suppress(ValueError):
        if ipaddress.ip_address(chosen.host).is_unspecified:  # all of them, so also this one
            host = "[::1]" if ":" in host else "127.0.0.1"
    return f"{'http' if chosen.tls_certificate == 'off' else 'https'}://{host}:{port}"


def base_url(chosen: Settings) -> str:
    """Where users and providers reach the platform; without an address of its own, where this machine does."""
    return chosen.public_url or local_url(chosen, chosen.port)


def sources(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Where each setting's value came from: ``environment``, ``file`` or ``default``."""
    known = {setting.name: setting for setting in describe()}
    named = _from_environment(environ, known)
    filed = _from_file(environ, named.get("data_dir") or _default_data_dir(), known)
    return {
        name: "environment" if name in named else "file" if name in filed else "default" for name in known
    }
