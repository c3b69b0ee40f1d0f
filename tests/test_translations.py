"""Nobody reads a language they did not ask for: both catalogues hold everything, and what is told is told in the reader's words."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask_babel import force_locale, gettext

from app import create_app
from config import Settings
from models.org import RegionLevel
from models.violation import RuleViolation
from tests.clients import Browser
from views.messages import CHINESE, ENGLISH, HAN, faults, in_line, literals, path_of, read_catalogue, wanted
from views.panel.words import refused


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The application with an empty database: here nothing is read from it."""
    folder = tmp_path_factory.mktemp("platform")
    settings = Settings(database_url=f"sqlite:///{folder / 'empty.db'}", data_dir=folder, secret_key="t" * 40, app_env="test")
    app = create_app(settings)
    yield app
    app.extensions["engine"].dispose()


@pytest.fixture
def in_english(platform: Flask) -> Iterator[None]:
    with platform.test_request_context(), force_locale("en"):
        yield


@pytest.fixture
def in_chinese(platform: Flask) -> Iterator[None]:
    with platform.test_request_context(), force_locale("zh_CN"):
        yield


# --- the catalogues ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("locale", [ENGLISH, CHINESE])
def test_everything_is_translated_with_the_same_placeholders(platform: Flask, locale: str) -> None:
    said = wanted(locale, platform.extensions["panel"].values())
    assert faults(read_catalogue(path_of(locale)), said) == [], "run: make translations, then write what it names"


@pytest.mark.parametrize("locale", [ENGLISH, CHINESE])
def test_nothing_else_is_in_the_catalogue_and_it_stands_in_order(platform: Flask, locale: str) -> None:
    said = wanted(locale, platform.extensions["panel"].values())
    assert path_of(locale).read_bytes() == in_line(locale, said), "run: make translations"


def test_the_english_is_english() -> None:
    """Only the placeholder school is called by the name it has in every list, and a cell's yes and no by what stands in it."""
    quoted = re.compile("'(?:其他|是|否)'")
    left = [str(message.id) for message in read_catalogue(path_of(ENGLISH)) if HAN.search(quoted.sub("", str(message.string)))]
    assert left == []


COUNTED = re.compile(
    r"(?<!at least )(?:%\((?:count|done|rest|stars|files|changed)\)s|\{(?:count|topics|activities|points|hours)\}) \w+s\b|\(s\)"
)


def test_english_reads_right_with_a_one() -> None:
    """“Items: 1”, not “1 items”: sentences are kept as they are said, so no number could choose among plurals."""
    assert [str(message.string) for message in read_catalogue(path_of(ENGLISH)) if COUNTED.search(str(message.string))] == []


def test_what_passes_and_what_fails_are_a_pair() -> None:
    english = {str(message.id): message.string for message in read_catalogue(path_of(ENGLISH))}
    assert (english["通过"], english["不通过"], english["已通过"], english["未通过"]) == ("Pass", "Fail", "Passed", "Not passed")


# --- what is gathered -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('label = field("姓名", help="须为本名。")', {"姓名", "须为本名。"}),
        ('def check():\n    """学校."""\n    yield "请先添加学校。"', {"请先添加学校。"}),
        ('raise RuleViolation("请填写“{label}”。", "name", label=label)', {"请填写“{label}”。"}),
        ('name = field("姓名", example="王一", aliases=("教师姓名",))', {"姓名"}),
        ('why = f"请填写{label}。"', set()),
        ('between = _("、")', {"、"}),
        ('act, table = "read", "teacher"', set()),
    ],
)
def test_what_counts_as_said(source: str, said: set[str]) -> None:
    assert literals(source) == said


# --- who reads what ---------------------------------------------------------------------------------------------------


def test_a_refusal_is_translated_with_the_labels_in_it_but_not_the_names(in_english: None) -> None:
    assert refused(RuleViolation("请填写“{label}”。", "name", label="姓名")) == "Please fill in 'Name'."
    level = RuleViolation("请选择{level}区域的上级区域。", "parent_id", level=RegionLevel.COUNTY)
    assert refused(level) == "Choose the parent region of a region of County level."
    named = RuleViolation("“{school}”已经属于“{region}”。", school="北实验小学", region="")
    assert refused(named) == "'北实验小学' already belongs to ''."


def test_a_chinese_reader_is_told_the_sentence_itself(in_chinese: None) -> None:
    assert refused(RuleViolation("请填写“{label}”。", "name", label="姓名")) == "请填写“姓名”。"


def test_what_the_libraries_say_is_chinese_for_a_chinese_reader(in_chinese: None) -> None:
    assert gettext("List Roles") == "角色列表", "their own catalogue"
    assert gettext("List Groups") == "用户组列表", "ours where theirs has nothing"


def test_the_language_chosen_is_the_language_of_the_session(platform: Flask) -> None:
    browser = Browser(platform)
    assert 'lang="zh' in browser.get("/login/").text
    browser.get("/lang/en")
    page = browser.get("/login/").text
    assert '<html lang="en"' in page and "Sign in" in page
    browser.get("/lang/xx")
    assert '<html lang="en"' in browser.get("/login/").text
    assert 'lang="zh' in Browser(platform).get("/login/").text, "another reader's"
