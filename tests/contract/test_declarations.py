"""A wrong declaration is named before anything is served, in a sentence that says what to write instead (docs/adding-a-table.md)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Mapped

from app import create_app
from config import Settings
from models import fields
from models.base import Name, Screen, field, link
from models.declaring import DeclarationError
from models.org import School
from models.people import Teacher
from rules import grants
from views.commands import TRANSLATIONS
from views.panel import doctor
from views.panel.declarations import mistakes
from views.panel.screens import acts_of


def told(model: type[Any] = Teacher) -> list[str]:
    return list(mistakes(model, acts_of(model)))


def test_the_shipped_declarations_have_no_mistake() -> None:
    assert told() == []


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"list": ("school_id",)}, "the screen names “school_id”, a link is called “school” there"),
        ({"list": ("metadata",)}, "the screen names “metadata”, which is no field with a label; there are id, account_name, name,"),
        ({"list": ("name", "version")}, "the screen names “version”, which is hidden; take one of the two out"),
        ({"search": ("school",)}, "search looks into texts, and “school” is none; put it into filters"),
        ({"facets": ("school",)}, "“school” has no short list of values to count as a facet; put it into filters"),
        ({"facets": ("created_at",)}, "“created_at” has no short list of values to count as a facet; put it into filters"),
        ({"sort": ("school",)}, "nothing can be sorted by “school” (link); take it out of sort"),
        ({"form": ("name", "created_at")}, "the form offers “created_at”, which is readonly; take one of the two out"),
        ({"label": ""}, "the screen has no label"),
        ({"menu": "人员管里"}, "the menu has no group “人员管里”; there are 基本管理, 人员管理"),
        ({"acts": ("read", "wirte")}, "acts knows no “wirte”, only read, add, edit, delete, export, import"),
        ({"extra_acts": ()}, "asks the act “reveal”, which nobody can be granted; add it to extra_acts"),
        ({"related": ("Certification",)}, "related names “Certification”, which is no link to this table"),
        ({"related": ("School.region",)}, "related names “School.region”, which is no link to this table"),
        ({"related": ("Nothing.teacher",)}, "related names “Nothing.teacher”, which is no link to this table"),
    ],
)
def test_what_no_screen_could_draw_is_told(monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], sentence: str) -> None:
    monkeypatch.setattr(Teacher, "__screen__", replace(Teacher.__screen__, **changed))
    assert any(sentence in mistake for mistake in told()), told()


@pytest.mark.parametrize(
    ("kind", "sentence"), [("longtext", "nothing can be filtered by “name” (longtext)"), ("bool", "put it into filters")]
)
def test_a_field_is_asked_for_what_its_kind_can_do(monkeypatch: pytest.MonkeyPatch, kind: Any, sentence: str) -> None:
    known = fields.fields_of(Teacher)
    monkeypatch.setitem(fields._read, Teacher, {**known, "name": replace(known["name"], kind=kind)})
    monkeypatch.setattr(Teacher, "__screen__", replace(Teacher.__screen__, filters=("name",), facets=("name",)))
    assert any(sentence in mistake for mistake in told()), told()


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"label": ""}, "field “name” has no label"),
        ({"mask": "fone"}, "field “name” has the mask “fone”; there are phone, id_number, account, name"),
    ],
)
def test_a_field_says_what_people_read_and_a_mask_there_is(monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], sentence: str) -> None:
    known = fields.fields_of(Teacher)
    monkeypatch.setitem(fields._read, Teacher, {**known, "name": replace(known["name"], **changed)})
    assert sentence in told()


@pytest.mark.parametrize(
    ("owner", "sentence"),
    [
        ("skool", "__owner__ names “skool”, which is no link of the table"),
        ("name", "__owner__ names “name”, which is no link of the table"),
        ("", "nothing says whose a new row is: name the link in __owner__, or leave add and import out of acts"),
    ],
)
def test_a_new_row_has_an_owner(monkeypatch: pytest.MonkeyPatch, owner: str, sentence: str) -> None:
    monkeypatch.setattr(Teacher, "__owner__", owner)
    assert told() == [sentence]


def with_screen(**options: Any) -> None:
    class Room:
        __screen__ = Screen("教室管理", **options)


def with_field(**options: Any) -> None:
    class Room:
        seats: Mapped[Name] = field("座位数", **options)


def with_link(**options: Any) -> None:
    class Room:
        school_id: Mapped[int] = link(School, "学校", **options)


@pytest.mark.parametrize(
    ("declare", "option", "sentence"),
    [
        (with_screen, "facet", "Screen(…) has no option “facet”; write “facets”"),
        (with_screen, "serach", "Screen(…) has no option “serach”; write “search”"),
        (with_screen, "zzz", "Screen(…) has no option “zzz”; there are label, menu, icon,"),
        (with_field, "hlep", "field(…) has no option “hlep”; write “help”"),
        (with_field, "indx", "field(…) has no option “indx”; write “index”"),
        (with_link, "readonyl", "field(…) has no option “readonyl”; write “readonly”"),
    ],
)
def test_a_misspelt_option_is_told_with_the_nearest_there_is(declare: Any, option: str, sentence: str) -> None:
    with pytest.raises(DeclarationError) as told:
        declare(**{option: ()})
    assert f".Room: {sentence}" in str(told.value) and str(told.value).endswith("see docs/adding-a-table.md")


def test_a_screen_without_a_label_is_told_like_any_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Teacher, "__screen__", Screen(list=("name",)))
    assert "the screen has no label" in told()


def test_nothing_starts_with_a_mistake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Teacher, "__screen__", replace(Teacher.__screen__, menu="人员管里", facets=("school",)))
    with pytest.raises(DeclarationError, match=r"(?s)Teacher: .*Teacher: .*see docs/adding-a-table.md"):
        create_app(Settings(f"sqlite:///{tmp_path / 'empty.db'}", tmp_path, "d" * 40, app_env="test"))


# --- doctor: what is left out -----------------------------------------------------------------------------------------


def examined(app: Any) -> list[str]:
    with app.app_context():
        return list(doctor.examine(TRANSLATIONS, app.extensions["appbuilder"].baseviews))


def test_the_shipped_declarations_leave_nothing_out(app: Any) -> None:
    assert examined(app) == []


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"list": ()}, "teacher: the list shows no field; name some in list"),
        ({"key": ()}, "teacher: nothing says by what an import recognises a row; name the fields in key, or leave import out of acts"),
        ({"export": ()}, "teacher: an export would be empty; name fields in export, or leave export out of acts"),
        ({"search": ("phone",)}, "teacher: search field phone has no index; write index=True in its field(…), and a migration"),
        ({"label": "园丁"}, "teacher: “园丁” has no English translation; make translations lists it in views/translations/en"),
    ],
)
def test_what_is_left_out_is_told(app: Any, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], sentence: str) -> None:
    monkeypatch.setattr(Teacher, "__screen__", replace(Teacher.__screen__, **changed))
    assert examined(app) == [sentence]


def test_a_grant_that_opens_nothing_is_told(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    role = grants.Role("caretaker", "校工", True, {"job": "raed", "teachers": "read", "activation": "read"})
    monkeypatch.setattr(doctor, "ROLES", (*grants.ROLES, role))
    unknown_act, unknown_table = examined(app)
    assert unknown_act == "role caretaker: nothing asks for raed on job; there are read"
    assert unknown_table.startswith("role caretaker: nothing is called teachers; there are ") and "teacher," in unknown_table
