"""docs/changing-a-rule.md, followed to the letter: a policy row changes the cap, and nothing else has to be touched."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.base import utcnow
from models.fields import fields_of
from models.hours import HourCategory, HourEntry, HourPolicy, Programme
from models.scoping import SYSTEM, acting_as
from models.session import make_session_factory
from rules.hour_ledger import Earned, credit, policy_in_force
from rules.hours import tally
from rules.page_views import day_of
from tests.cast import Cast

PAGE = Path(__file__).parents[2] / "docs" / "changing-a-rule.md"


def told_by_the_page() -> dict[str, str]:
    """Field → value of the table on the page, by the names of the form."""
    names = {field.label: name for name, field in fields_of(HourPolicy).items()}
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", PAGE.read_text(encoding="utf-8"), re.M)
    tomorrow = str(day_of(utcnow()) + timedelta(days=1))
    return {names[label]: tomorrow if value == "tomorrow" else value for label, value in rows if label in names}


def test_a_row_changes_the_cap(cast: Cast, client_of: Any) -> None:
    given = told_by_the_page()
    assert set(given) == {"valid_from", "discussion", "homework", "observation", "offline_most", "target", "cap"}
    teacher = cast.teacher["梅"]
    with acting_as(SYSTEM), make_session_factory(cast.engine)() as session:
        programme = session.scalars(select(Programme).order_by(Programme.id)).first()
        assert programme is not None
        number = programme.id
        policy = session.scalars(select(HourPolicy).filter_by(programme_id=number)).one()
        common = {"teacher_id": teacher, "programme_id": number, "policy_id": policy.id, "category": HourCategory.HOMEWORK}
        earned = [
            Earned(**common, title=str(n), hours=Decimal(5), earned_at=utcnow(), evidence=f"rule/{n}", path=cast.path["北"])  # type: ignore[arg-type]
            for n in range(5)
        ]
        credit(session, earned, now=utcnow())
        session.commit()
    dan = client_of("丹")
    dan.get("/hour_policy/add")
    asked = dan.post("/hour_policy/add", programme=str(number), policy_ref="", **given)
    assert "名教师的计入学时或达标情况会变化" in asked.text, "the page says so before anything is saved"
    assert dan.post("/hour_policy/add", programme=str(number), policy_ref="", **given, confirmed="1").status_code == 303
    with acting_as(SYSTEM), Session(cast.engine) as session:
        entries = session.scalars(select(HourEntry).filter_by(teacher_id=teacher, programme_id=number)).all()
        today, tomorrow = (policy_in_force(session, number, day_of(utcnow()) + timedelta(days=n)) for n in (0, 1))
        assert (tally(entries, today).counted, tally(entries, tomorrow).counted) == (25, 20)
        assert tally(entries, tomorrow).raw == 25 and tally(entries, tomorrow).is_reached
