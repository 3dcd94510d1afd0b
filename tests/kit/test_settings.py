"""Settings: the order of the sources, what is refused and how it is said, and the page about them."""

from __future__ import annotations

from pathlib import Path

import pytest

from kameng.kit import settings
from kameng.kit.errors import Fault
from kameng.kit.settings import Settings

DOCS = Path(__file__).parents[2] / "docs/settings.md"


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path


def load(data_dir: Path, **environ: str) -> Settings:
    return settings.load({"KAMENG_DATA_DIR": str(data_dir), "PATH": "/bin", **environ})


def refusal(data_dir: Path, **environ: str) -> str:
    with pytest.raises(Fault) as caught:
        load(data_dir, **environ)
    return str(caught.value)


def test_defaults(data_dir: Path) -> None:
    assert load(data_dir) == Settings(
        database_url="",
        data_dir=data_dir,
        key_ring_file=data_dir / "keyring.json",
        host="127.0.0.1",
        port=8443,
        tls_certificate="",
        tls_key="",
        public_url="",
        trusted_proxies=(),
        lanes=4,
        batch_max=512,
        queue_target_ms=200,
        request_body_max=4_194_304,
        request_timeout_s=10,
        job_batch=100,
        job_lease_s=60,
        job_attempts_max=12,
        metrics_port=0,
        metrics_networks=(),
        log_level="info",
        log_format="text",
    )


def test_the_data_dir_depends_on_who_runs_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert Settings().data_dir == Path("/var/lib/kameng")
    assert Settings().key_ring_file == Path("/var/lib/kameng/keyring.json")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert settings.load({}).data_dir == tmp_path / ".local/share/kameng"


def test_the_environment_beats_the_file_beats_the_default(data_dir: Path) -> None:
    (data_dir / "kameng.toml").write_text('port = 9000\nlanes = 4\nlog_format = "json"\n')
    loaded = load(data_dir, KAMENG_PORT="9001")
    assert (loaded.port, loaded.lanes, loaded.log_format, loaded.batch_max) == (9001, 4, "json", 512)


def test_kameng_config_names_another_file(data_dir: Path, tmp_path: Path) -> None:
    (data_dir / "kameng.toml").write_text("port = 9000")
    other = tmp_path / "other.toml"
    other.write_text('trusted_proxies = ["10.0.0.0/8", "::1/128"]\nkey_ring_file = "/keys/ring.json"')
    loaded = load(data_dir, KAMENG_CONFIG=str(other))
    assert loaded.port == 8443
    assert loaded.trusted_proxies == ("10.0.0.0/8", "::1/128")
    assert loaded.key_ring_file == Path("/keys/ring.json")
    assert refusal(data_dir, KAMENG_CONFIG="/nowhere.toml") == (
        "KAMENG_CONFIG names /nowhere.toml, which does not exist: create it, or unset it."
    )


def test_lists_come_with_commas_from_the_environment(data_dir: Path) -> None:
    assert load(data_dir, KAMENG_TRUSTED_PROXIES="10.0.0.0/8, fd00::/8").trusted_proxies == (
        "10.0.0.0/8",
        "fd00::/8",
    )
    assert load(data_dir, KAMENG_TRUSTED_PROXIES="").trusted_proxies == ()


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        (
            {"KAMENG_PROT": "1"},
            "KAMENG_PROT in the environment is not a setting; did you mean KAMENG_PORT?",
        ),
        (
            {"KAMENG_ZZZZZZZZZZ": "1"},
            "KAMENG_ZZZZZZZZZZ in the environment is not a setting; see docs/settings.md.",
        ),
        (
            {"KAMENG_PORT": "70000"},
            "KAMENG_PORT can't be used: expected a whole number from 0 to 65535, got '70000'."
            " The port the gateway listens on; 0 takes a free one."
            " Correct KAMENG_PORT or `port`, or remove it for the default: `8443`.",
        ),
        (
            {"KAMENG_LOG_FORMAT": "xml"},
            "KAMENG_LOG_FORMAT can't be used: expected json or text, got 'xml'."
            " JSON lines for machines, or text for people."
            ' Correct KAMENG_LOG_FORMAT or `log_format`, or remove it for the default: `"text"`.',
        ),
    ],
)
def test_a_slip_is_refused_with_what_to_do(data_dir: Path, environ: dict[str, str], said: str) -> None:
    assert refusal(data_dir, **environ) == said


@pytest.mark.parametrize(
    ("environ", "start"),
    [
        ({"KAMENG_LANES": ""}, "KAMENG_LANES can't be used: expected a whole number from 1 to 1024, got ''."),
        ({"KAMENG_LANES": "1025"}, "KAMENG_LANES can't be used: expected a whole number from 1 to 1024,"),
        (
            {"KAMENG_JOB_LEASE_S": "0"},
            "KAMENG_JOB_LEASE_S can't be used: expected a whole number of at least 1,",
        ),
        (
            {"KAMENG_KEY_RING_FILE": "k.json"},
            "KAMENG_KEY_RING_FILE can't be used: expected an absolute path,",
        ),
        ({"KAMENG_TLS_KEY": "/k.pem"}, "tls_key can't be used: expected both tls_certificate and tls_key,"),
        (
            {"KAMENG_TLS_KEY": "off", "KAMENG_TLS_CERTIFICATE": "/c.pem"},
            "tls_key can't be used: expected `off`, or a file for both",
        ),
        ({"KAMENG_PUBLIC_URL": "kameng.cn"}, "public_url can't be used: expected an address with https://,"),
        ({"KAMENG_TRUSTED_PROXIES": "10.0.0.1/8"}, "trusted_proxies can't be used: expected networks like"),
        ({"KAMENG_METRICS_NETWORKS": "10.0.0.0/8,everybody"}, "metrics_networks can't be used: expected networks like"),
    ],
)
def test_values_that_cannot_be_used(data_dir: Path, environ: dict[str, str], start: str) -> None:
    assert refusal(data_dir, **environ).startswith(start)


def test_tls_off_may_stand_in_either_setting(data_dir: Path) -> None:
    assert load(data_dir, KAMENG_TLS_CERTIFICATE="off").tls_certificate == "off"
    assert load(data_dir, KAMENG_TLS_KEY="off", KAMENG_TLS_CERTIFICATE="off").tls_key == "off"
    assert load(data_dir, KAMENG_TLS_KEY="/k", KAMENG_TLS_CERTIFICATE="/c").tls_key == "/k"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prot = 1", "prot in {file} is not a setting; did you mean port?"),
        (
            'port = "9000"',
            "port in {file} can't be used: expected a whole number from 0 to 65535, got '9000'.",
        ),
        ("[gateway]\nport = 1", "gateway in {file} is not a setting"),
        (
            "port = ?",
            "{file} can't be read as TOML (Invalid value (at line 1, column 8)): mend it, or move it",
        ),
    ],
)
def test_the_file_is_held_to_the_same(data_dir: Path, text: str, said: str) -> None:
    file = data_dir / "kameng.toml"
    file.write_text(text)
    assert refusal(data_dir).startswith(said.format(file=file))


def test_what_is_no_setting_but_ours_is_left_alone(data_dir: Path) -> None:
    assert load(data_dir, KAMENG_PYTHON="python3", KAMENG_TEST_PG="16") == load(data_dir)


def test_the_databases_password_is_never_printed(data_dir: Path) -> None:
    url = "postgresql://kameng:hunter2@db/kameng"
    assert "hunter2" not in repr(load(data_dir, KAMENG_DATABASE_URL=url))
    assert "hunter2" not in refusal(data_dir, KAMENG_DATABASE_URL="mysql://kameng:hunter2@db/kameng")
    (data_dir / "kameng.toml").write_text(f'database_url = ["{url}"]')
    assert "hunter2" not in refusal(data_dir)
    (data_dir / "kameng.toml").write_text(f"database_url = {url}")
    assert "hunter2" not in refusal(data_dir)


def test_settings_are_frozen() -> None:
    with pytest.raises(AttributeError):
        Settings().port = 1  # type: ignore[misc]


def test_every_setting_stands_in_the_docs() -> None:
    page = DOCS.read_text("utf-8")
    lines = [line for line in page.splitlines() if line.startswith("| `")]
    assert lines == [
        f"| `{x.name}` | `{x.environment}` | {code(x.default)} | {x.doc} |" for x in settings.describe()
    ]
    assert [x.name for x in settings.describe()] == list(Settings.__struct_fields__)


def code(default: str) -> str:
    return default if "`" in default else f"`{default}`"
