"""Settings from the environment: what is read, what is refused and with which sentence, and the secret nobody has to choose."""

from __future__ import annotations

import multiprocessing
import secrets
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from config import Settings, SettingsError, generated_secret, secret_fault
from rules import sms
from rules.sms import LogGateway, NoGateway
from tests.inbox import Inbox, listening

ROOT = Path(__file__).resolve().parent.parent
STRONG = secrets.token_urlsafe(48)


def test_the_defaults_need_nothing_installed(tmp_path: Path) -> None:
    settings = Settings.from_environment({"DATA_DIR": str(tmp_path / "var")})
    assert settings.database_url == f"sqlite:///{tmp_path}/var/yanxiu.db"
    assert settings.store_url == f"file://{tmp_path}/var/files"
    assert (settings.port, settings.app_env, settings.redis_url) == (8080, "development", "")
    assert (settings.lock_limit, settings.lock_seconds, settings.default_password_days, settings.code_days) == (3, 900, 30, 7)
    assert (settings.photo_days, settings.province_account) == (30, "OrganAdmin")


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_the_driver_of_postgresql_is_named(tmp_path: Path, scheme: str) -> None:
    settings = Settings.from_environment({"DATA_DIR": str(tmp_path), "DATABASE_URL": f"{scheme}://u:p@db/yanxiu"})
    assert settings.database_url == "postgresql+psycopg://u:p@db/yanxiu"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "eighty"),
        ("LOCK_LIMIT", "-1"),
        ("PHOTO_DAYS", "-1"),
        ("CODE_DAYS", "1.5"),
        ("PROVINCE_ACCOUNT", "Admin1"),
        ("PROVINCE_ACCOUNT", "schooladmin"),
        ("PROVINCE_ACCOUNT", "organadmin"),
        ("APP_ENV", "prod"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} .*“{value}”。"):
        Settings.from_environment({"DATA_DIR": str(tmp_path), name: value})


@pytest.mark.parametrize("name", ["sms", "no_such_module:Gateway", "rules.sms:NoSuchGateway", "rules.sms:NOT_SENT", ":"])
def test_a_gateway_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match=f"SMS_GATEWAY .*“{name}”。"):
        Settings.from_environment({"DATA_DIR": str(tmp_path), "SMS_GATEWAY": name})


@pytest.mark.parametrize(
    ("environment", "gateway", "used"),
    [
        ("development", "", LogGateway),
        ("production", "", NoGateway),
        ("development", "tests.inbox:Inbox", Inbox),
        ("production", "tests.inbox:Inbox", Inbox),
    ],
)
def test_only_development_writes_messages_to_its_log(tmp_path: Path, environment: str, gateway: str, used: type[object]) -> None:
    from app import create_app

    environ = {"DATA_DIR": str(tmp_path), "SECRET_KEY": STRONG, "APP_ENV": environment, "SMS_GATEWAY": gateway}
    with listening():
        create_app(Settings.from_environment(environ))
        assert type(sms._gateway) is used


@pytest.mark.parametrize(
    "guessable",
    [
        "",
        "hunter2",
        "thisismysecretkeythisismysecretkey!!",
        "CHANGE_ME_SECRET_KEY_0f8a7c21d9be4",
        "a" * 64,
        "0123456789abcdef" * 4,
        "abcdefghijklmnopqrstuvwxyz9876543210",
        "\\2\\1thisismyscretkey\\1\\2\\e\\y\\y\\h",
    ],
)
def test_production_refuses_a_secret_that_can_be_guessed(tmp_path: Path, guessable: str) -> None:
    with pytest.raises(SettingsError, match=r"^SECRET_KEY .*生产环境请用"):
        Settings.from_environment({"APP_ENV": "production", "DATA_DIR": str(tmp_path), "SECRET_KEY": guessable})
    assert not (tmp_path / "secret_key").exists()


@pytest.mark.parametrize("make", [secrets.token_hex, secrets.token_urlsafe])
def test_generated_secrets_are_never_called_guessable(make: object) -> None:
    assert callable(make)
    assert {secret_fault(make(size)) for size in (32, 48) for _ in range(500)} == {""}


def test_production_starts_with_a_good_secret(tmp_path: Path) -> None:
    settings = Settings.from_environment({"APP_ENV": "production", "DATA_DIR": str(tmp_path), "SECRET_KEY": STRONG})
    assert settings.secret_key == STRONG


def test_a_refusal_is_one_sentence_at_the_terminal(tmp_path: Path) -> None:
    environ = {"APP_ENV": "production", "DATA_DIR": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONIOENCODING": "utf-8"}
    for command in (["-m", "gunicorn"], ["-m", "flask", "--app", "app", "setup"]):
        ended = subprocess.run([sys.executable, *command], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60)
        assert ended.returncode == 1
        assert ended.stderr.strip().startswith("SECRET_KEY 未设置") and ended.stderr.count("\n") == 1


def test_processes_that_start_at_once_agree_on_one_secret(tmp_path: Path) -> None:
    forked = multiprocessing.get_context("fork")
    with forked.Pool(4) as pool:
        made = pool.map(generated_secret, [tmp_path / "secret_key"] * 40, chunksize=1)
    assert len(set(made)) == 1 and secret_fault(made[0]) == ""
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_neither_secret_nor_address_is_printed(tmp_path: Path) -> None:
    settings = Settings.from_environment({"DATA_DIR": str(tmp_path), "SECRET_KEY": STRONG, "DATABASE_URL": "postgresql://u:pass-word@db/x"})
    assert STRONG not in repr(settings) and "pass-word" not in repr(settings)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_what_the_address_asks_of_postgresql_holds_beside_our_own(engine: Engine) -> None:
    """The tests' own address turns synchronous commits off."""
    with engine.connect() as connection:
        asked = {name: connection.scalar(text(f"SHOW {name}")) for name in ("synchronous_commit", "jit")}
    assert asked == {"synchronous_commit": "off", "jit": "off"}
