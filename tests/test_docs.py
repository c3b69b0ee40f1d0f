"""What the pages for readers name is there: files, commands, settings, accounts."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from flask import Flask

from config import Settings
from views.commands import register_commands

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
TEXT = {page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8") for page in PAGES}


def slugs(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", TEXT)
def test_every_link_leads_somewhere(name: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", TEXT[name]):
        path, _hash, anchor = target.partition("#")
        page = (ROOT / name).parent / path if path else ROOT / name
        assert page.exists(), target
        assert not anchor or anchor in slugs(page), target


@pytest.mark.parametrize("name", TEXT)
def test_every_file_named_is_there(name: str) -> None:
    """Paths in the text, except in decisions, which tell of their day, and those a page has its reader write."""
    named = re.findall(r"`((?:models|rules|views|tests|migrations|docs)/[\w/.-]+\.\w+)`", TEXT[name])
    for path in named if "decisions/" not in name else []:
        assert (ROOT / path).exists() or Path(path).name == "rooms.py", path


@pytest.mark.parametrize("name", TEXT)
def test_every_make_target_named_is_one(name: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    named = set(re.findall(r"(?:^|`|&& )make ([a-z]+)", TEXT[name], re.M))
    assert named <= targets


def test_every_command_named_is_one() -> None:
    platform = Flask(__name__)
    register_commands(platform)
    named = {command for text in TEXT.values() for command in re.findall(r"flask --app app ([a-z-]+)", text)}
    assert named >= {"setup", "demo", "worker", "doctor", "why", "create-operator"}
    assert named <= set(platform.cli.commands)


def test_every_setting_shown_is_one() -> None:
    (shown,) = re.findall(r"## Settings of a production.*?```sh\n(.*?)```", TEXT["docs/operations.md"], re.S)
    known = {field.name.upper() for field in fields(Settings)}
    assert set(re.findall(r"^([A-Z_]+)=", shown, re.M)) <= known


def test_the_map_of_the_readme_is_the_tree() -> None:
    (drawn,) = re.findall(r"## 代码地图\n\n```\n(.*?)```", TEXT["README.md"], re.S)
    folders = {path.name for path in ROOT.iterdir() if (path / "__init__.py").exists()} | {"docs", "tests"}
    assert folders <= set(re.findall(r"([a-z]+)/", drawn))
    assert all((ROOT / name).exists() for name in re.findall(r"[a-z]+\.py|[a-z]+/(?:panel/)?", drawn))


def test_the_pages_are_within_reach_of_the_readme() -> None:
    """Whoever starts there finds every page."""
    found, waiting = set(), ["README.md"]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        for target in re.findall(r"\]\(([^)#\s]+\.md)", TEXT.get(name, "")):
            waiting.append(((ROOT / name).parent / target).resolve().relative_to(ROOT).as_posix())
    assert set(TEXT) <= found
