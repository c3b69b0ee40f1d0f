"""Settings: everything about an installation that is not in its database, read from the environment once at start.

Every variable stands here with its default and its reason; nothing else in the project reads the environment. A value that
cannot be used ends the program with one sentence, before anything is served. The one thing a newcomer gets wrong: in production
there is no default for SECRET_KEY, because every machine of an installation has to share it.
"""

from __future__ import annotations

import math
import os
import re
import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

ENVIRONMENTS = ("development", "production", "test")
SECRET_LENGTH = 32
SECRET_BITS = 96
"""What a secret must hold at least, counted from how often its characters repeat."""
OFFICES = ("organadmin", "schooladmin", "trainingadmin")
"""What the accounts of offices, schools and course providers are called, however written (S0-08…10)."""
KNOWN_WORDS = ("secret", "change", "password", "default", "example", "development", "insecure", "yanxiu", "thisismy", "123456")
"""No generated secret contains one of these; the secrets people copy from documentation do."""


class SettingsError(SystemExit):
    """A setting cannot be used: its sentence is printed and the program ends with status 1."""


@dataclass(frozen=True)
class Settings:
    """The settings of one process. Tests build it directly; a server uses :meth:`from_environment`."""

    database_url: str = field(repr=False)
    """``DATABASE_URL``: SQLAlchemy address of the database. Default: SQLite in ``DATA_DIR/yanxiu.db``; production uses PostgreSQL."""

    data_dir: Path
    """``DATA_DIR``: folder of the default database, file store, queue and secret. Default ``./var``; made if it is not there."""

    secret_key: str = field(repr=False)
    """``SECRET_KEY``: signs sessions and keys the hashes of permission codes; whoever knows it is anybody.

    Left out, it is generated once into ``DATA_DIR/secret_key``. In production it has to be given, the same on every machine.
    """

    app_env: str = "development"
    """``APP_ENV``: ``development``, ``production`` (https-only cookies, no guessable secret) or ``test``."""

    port: int = 8080
    """``PORT``: where the web server listens."""

    redis_url: str = field(default="", repr=False)
    """``REDIS_URL``: the job queue for more than one machine. Empty: a queue file in ``DATA_DIR``, which one machine can share."""

    file_store_url: str = ""
    """``FILE_STORE_URL``: fsspec address of uploads and exports, such as ``s3://bucket/yanxiu``. Empty: ``DATA_DIR/files``."""

    proxy_count: int = 0
    """``PROXY_COUNT``: reverse proxies in front of the server whose ``X-Forwarded-*`` are believed.

    Guesses are limited per address (Z-14): too low and everybody shares the proxy's address, too high and anybody invents theirs.
    """

    lock_limit: int = 3
    """``LOCK_LIMIT``: wrong passwords an account forgives; the next one locks it (S0-07)."""

    lock_seconds: int = 900
    """``LOCK_SECONDS``: how long it stays locked unless somebody unlocks it (S0-07)."""

    default_password_days: int = 30
    """``DEFAULT_PASSWORD_DAYS``: how long a default password that nobody has used works (Z-12)."""

    password_hash: str = "scrypt:32768:8:1"
    """How passwords are hashed, as Werkzeug names it; tests take a quicker one."""

    code_days: int = 7
    """``CODE_DAYS``: how long a permission code can be bound (Z-14)."""

    code_daily_cap: int = 500
    """``CODE_DAILY_CAP``: permission codes one account may issue in a day (Z-14)."""

    province_account: str = "OrganAdmin"
    """``PROVINCE_ACCOUNT``: what the accounts of a province's administrators are called, before their number; other offices' are OrganAdmin (Z-05)."""

    view_seconds: int = 5
    """``VIEW_SECONDS``: how long page views wait in the process before they are written together; 0 writes none by itself."""

    document_mb: int = 200
    """``DOCUMENT_MB``: the largest PDF or Office document that can be uploaded. Teachers upload from school lines: large files are cut off."""

    image_mb: int = 30
    """``IMAGE_MB``: the largest picture; a telephone's photo has 3 to 12."""

    video_mb: int = 2048
    """``VIDEO_MB``: the largest video; a recorded lesson of 45 minutes has 500 to 2000. It comes in pieces and may be resumed."""

    audio_mb: int = 200
    """``AUDIO_MB``: the largest sound recording."""

    text_mb: int = 10
    """``TEXT_MB``: the largest text file."""

    archive_mb: int = 500
    """``ARCHIVE_MB``: the largest ZIP, RAR or 7z; none is ever unpacked here."""

    unclaimed_mb: int = 4096
    """``UNCLAIMED_MB``: what one account may have uploaded without saving a record with it, so that nobody fills the store."""

    office_command: str = "soffice"
    """``OFFICE_COMMAND``: LibreOffice, which shows Office documents as PDF where it is installed; ``-`` never looks for it."""

    photo_days: int = 30
    """``PHOTO_DAYS``: how long the photograph of who asks for another phone is kept once the request is decided, in case somebody
    complains; it shows a face and an identity card, so not for longer (S4-39). A request nobody has worked on for as long ends by itself."""

    service_note: str = ""
    """``SERVICE_NOTE``: a line on the customer service pages, such as the telephone and working hours (S4-33). Empty: none."""

    sms_gateway: Callable[[], Any] | None = None
    """``SMS_GATEWAY``: ``module:name`` of what makes the gateway for short messages, an object with ``send(phone, text)``.

    Empty: development writes messages to its log; production sends none, and whoever asks for one is told so.
    """

    session_lifetime: timedelta = timedelta(hours=12)
    """How long a login lasts; one working day, because many work at shared school computers."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Read the settings; raises SettingsError with the sentence to print."""
        app_env = environ.get("APP_ENV") or "development"
        if app_env not in ENVIRONMENTS:
            raise SettingsError(f"APP_ENV 只能是 {'、'.join(ENVIRONMENTS)} 之一，现在是“{app_env}”。")
        data_dir = Path(environ.get("DATA_DIR") or "var").resolve()
        data_dir.mkdir(parents=True, exist_ok=True)
        return cls(
            database_url=_driver(environ.get("DATABASE_URL") or f"sqlite:///{data_dir / 'yanxiu.db'}"),
            data_dir=data_dir,
            secret_key=_secret(environ.get("SECRET_KEY", ""), app_env, data_dir),
            app_env=app_env,
            port=_number(environ, "PORT", cls.port, 1, 65535),
            redis_url=environ.get("REDIS_URL", ""),
            file_store_url=environ.get("FILE_STORE_URL", ""),
            proxy_count=_number(environ, "PROXY_COUNT", cls.proxy_count, 0, 10),
            lock_limit=_number(environ, "LOCK_LIMIT", cls.lock_limit, 1, 100),
            lock_seconds=_number(environ, "LOCK_SECONDS", cls.lock_seconds, 1, 86_400),
            default_password_days=_number(environ, "DEFAULT_PASSWORD_DAYS", cls.default_password_days, 1, 365),
            code_days=_number(environ, "CODE_DAYS", cls.code_days, 1, 365),
            code_daily_cap=_number(environ, "CODE_DAILY_CAP", cls.code_daily_cap, 1, 1_000_000),
            province_account=_prefix(environ, "PROVINCE_ACCOUNT", cls.province_account),
            view_seconds=_number(environ, "VIEW_SECONDS", cls.view_seconds, 0, 3600),
            document_mb=_number(environ, "DOCUMENT_MB", cls.document_mb, 1, 1_000_000),
            image_mb=_number(environ, "IMAGE_MB", cls.image_mb, 1, 1_000_000),
            video_mb=_number(environ, "VIDEO_MB", cls.video_mb, 1, 1_000_000),
            audio_mb=_number(environ, "AUDIO_MB", cls.audio_mb, 1, 1_000_000),
            text_mb=_number(environ, "TEXT_MB", cls.text_mb, 1, 1_000_000),
            archive_mb=_number(environ, "ARCHIVE_MB", cls.archive_mb, 1, 1_000_000),
            unclaimed_mb=_number(environ, "UNCLAIMED_MB", cls.unclaimed_mb, 1, 1_000_000),
            office_command=environ.get("OFFICE_COMMAND", "").strip() or cls.office_command,
            photo_days=_number(environ, "PHOTO_DAYS", cls.photo_days, 0, 3650),
            service_note=environ.get("SERVICE_NOTE", "").strip(),
            sms_gateway=_named(environ, "SMS_GATEWAY"),
        )

    @property
    def production(self) -> bool:
        """Whether real people's accounts are behind this process."""
        return self.app_env == "production"

    @property
    def store_url(self) -> str:
        """Where files are kept, as fsspec reads it."""
        return self.file_store_url or f"file://{self.data_dir / 'files'}"

    @property
    def queue_path(self) -> Path:
        """The job queue's own SQLite file, used while there is no Redis."""
        return self.data_dir / "queue.db"


def _driver(url: str) -> str:
    """Hosting services hand out ``postgres(ql)://``; SQLAlchemy wants the driver named."""
    scheme, separator, rest = url.partition("://")
    return f"postgresql+psycopg://{rest}" if separator and scheme in ("postgres", "postgresql") else url


def _number(environ: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    given = environ.get(name, "").strip() or str(default)
    if not given.isdecimal() or not least <= int(given) <= most:
        raise SettingsError(f"{name} 应为 {least} 到 {most} 之间的整数，现在是“{given}”。")
    return int(given)


def _prefix(environ: Mapping[str, str], name: str, default: str) -> str:
    given = environ.get(name, "").strip() or default
    if not re.fullmatch("[A-Za-z]{3,20}", given) or (given != default and given.lower() in OFFICES):
        raise SettingsError(f"{name} 应为 3 到 20 个英文字母，且不同于其他机构的账号，现在是“{given}”。")
    return given


def _named(environ: Mapping[str, str], name: str) -> Callable[[], Any] | None:
    given = environ.get(name, "").strip()
    if not given:
        return None
    try:
        found = resolve_name(given)
    except (ImportError, AttributeError, ValueError) as error:
        raise SettingsError(f"{name} 应写作“模块:名称”，找不到“{given}”。") from error
    if not callable(found):
        raise SettingsError(f"{name} 应是一个类或函数，现在是“{given}”。")
    return found  # type: ignore[no-any-return]


def _secret(given: str, app_env: str, data_dir: Path) -> str:
    if app_env == "production":
        if fault := secret_fault(given):
            raise SettingsError(f"SECRET_KEY {fault}：生产环境请用 python -c 'import secrets; print(secrets.token_urlsafe(48))' 生成一个。")
        return given
    return given or generated_secret(data_dir / "secret_key")


def secret_fault(secret: str) -> str:
    """What makes ``secret`` guessable, in words that follow its name; empty when nothing does."""
    if not secret:
        return "未设置"
    if len(secret) < SECRET_LENGTH:
        return f"少于 {SECRET_LENGTH} 个字符"
    if any(word in secret.lower() for word in KNOWN_WORDS):
        return "含有常见词，像是文档中的示例"
    if _bits(secret) < SECRET_BITS or secret in (secret + secret)[1:-1] or _runs(secret) > 0.5:
        return "过于规律，容易被猜中"
    return ""


def _bits(secret: str) -> float:
    """Shannon's measure over the characters, for the whole string."""
    return -sum(n * math.log2(n / len(secret)) for n in Counter(secret).values())


def _runs(secret: str) -> float:
    """The share of characters that only follow the one before (``abcdef``, ``4321``, ``aaaa``)."""
    return sum(abs(ord(a) - ord(b)) <= 1 for a, b in pairwise(secret)) / (len(secret) - 1)


def generated_secret(path: Path) -> str:
    """The secret kept in ``path``; made by the first process that asks, of however many start at once.

    It is written aside and linked into place, so that nobody ever reads half of it and the first link wins.
    """
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
