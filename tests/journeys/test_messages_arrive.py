"""Short messages: on a fresh machine their codes can be read in the terminal, an installation names its own gateway (S3-31, S4-38)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import pytest

from app import create_app
from config import Settings, SettingsError
from rules.sms import LogGateway, send_sms, set_gateway

ROOT = Path(__file__).resolve().parent.parent.parent
SEND = "from app import create_app; from rules.sms import send_sms; create_app(); send_sms('13800000000', '验证码123456')"


class Outbox:
    """The gateway of an installation."""

    sent: ClassVar[list[tuple[str, str]]] = []

    def send(self, phone: str, text: str) -> None:
        self.sent.append((phone, text))


def test_without_a_gateway_the_code_stands_in_the_terminal(tmp_path: Path) -> None:
    environ = {**os.environ, "DATA_DIR": str(tmp_path), "APP_ENV": "development", "DATABASE_URL": "", "SMS_GATEWAY": ""}
    run = subprocess.run([sys.executable, "-c", SEND], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=True)
    assert "138****0000: 验证码123456" in run.stderr


def test_an_installation_names_its_gateway(tmp_path: Path) -> None:
    try:
        create_app(Settings(f"sqlite:///{tmp_path}/x.db", tmp_path, "t" * 40, sms_gateway=f"{__name__}:Outbox"))
        send_sms("13800000000", "您好")
        assert Outbox.sent == [("13800000000", "您好")]
    finally:
        set_gateway(LogGateway())


@pytest.mark.parametrize("path", ["nowhere.at.all:Gateway", "rules.sms:Missing", "rules.sms", ":"])
def test_a_gateway_that_is_not_there_ends_the_start(tmp_path: Path, path: str) -> None:
    with pytest.raises(SettingsError, match="SMS_GATEWAY"):
        create_app(Settings(f"sqlite:///{tmp_path}/x.db", tmp_path, "t" * 40, sms_gateway=path))
