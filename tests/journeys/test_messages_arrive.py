"""Short messages: on a fresh machine their codes can be read in the terminal (S3-31, S4-38)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SEND = "from app import create_app; from rules.sms import send_sms; create_app(); send_sms('13800000000', '验证码123456')"


def test_without_a_gateway_the_code_stands_in_the_terminal(tmp_path: Path) -> None:
    environ = {**os.environ, "DATA_DIR": str(tmp_path), "APP_ENV": "development", "DATABASE_URL": "", "SMS_GATEWAY": ""}
    run = subprocess.run([sys.executable, "-c", SEND], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=True)
    assert "138****0000: 验证码123456" in run.stderr
