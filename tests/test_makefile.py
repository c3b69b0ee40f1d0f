"""What ``make`` refuses before it does harm."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("linked", [".venv", "node_modules"])
def test_packages_are_not_installed_through_a_link(tmp_path: Path, linked: str) -> None:
    """They are another checkout's, and would be replaced there."""
    here, theirs = tmp_path / "here", tmp_path / "theirs"
    here.mkdir()
    (theirs / "bin").mkdir(parents=True)
    for name in ("Makefile", "requirements.txt", "package.json", "package-lock.json"):
        shutil.copy(ROOT / name, here)
    (here / ".venv").mkdir()
    (here / ".venv" / ".ready").touch()
    shutil.rmtree(here / linked, ignore_errors=True)
    (here / linked).symlink_to(theirs)
    made = subprocess.run(["make", "packages"], cwd=here, capture_output=True, text=True)
    assert made.returncode != 0
    assert f"{linked} is a link, and installing through it would change another checkout's packages: remove it (rm {linked})" in made.stderr
    assert sorted(path.name for path in theirs.rglob("*")) == ["bin"]
