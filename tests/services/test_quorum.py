"""A step that several persons have to take: different persons, one contrary decision is enough, of the last two one moves the row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from models.access import Account, Post
from models.history import Change, Decision
from models.notices import Notice
from models.people import CertificationState, Teacher
from models.scoping import SYSTEM, Identity, acting_as
from models.violation import Conflict, RuleViolation
from rules import approvals
from rules.approvals import CERTIFICATION
from rules.grants import SCHOOL_ADMIN
from rules.workflow import Step, Workflow, check_workflow, offers, take, why_not
from rules.workflow_docs import diagram, workflows_page
from rules.workflow_waiting import waiting
from tests.cast import TODAY, Cast
from tests.services.test_workflow_races import race

PENDING, PASSED, FAILED = CertificationState.PENDING, CertificationState.PASSED, CertificationState.FAILED


def team_of(number: Any) -> Workflow:
    """The shipped certification, passed by so many."""
    steps = tuple(replace(step, quorum=number) if step.name == "pass" else step for step in CERTIFICATION.steps)
    return replace(CERTIFICATION, steps=steps)


TWO, THREE = team_of(2), team_of(3)


class Team:
    """平, 运 and 双 (made an administrator of North as well) may decide on 兰."""

    def __init__(self, cast: Cast, session: Session) -> None:
        self.cast, self.session = cast, session
        at = cast.path["北"]
        grants = cast.identity("平").grants
        self.people = {name: cast.identity(name) for name in ("平", "运", "双", "竹")}
        self.people["双"] = replace(self.people["双"], grants=grants, label=f"学校管理员 · {at}")
        self.people["竹"] = replace(self.people["竹"], grants=grants)

    def take(self, who: str | Identity, step: str, workflow: Workflow = TWO, comment: str = "") -> Decision:
        identity = self.people[who] if isinstance(who, str) else who
        with acting_as(SYSTEM):
            row = self.session.get_one(Teacher, self.cast.teacher["兰"])
        with acting_as(identity):
            return take(self.session, identity, workflow, row, step, comment=comment, now=TODAY)

    def row(self) -> Teacher:
        with acting_as(SYSTEM):
            return self.session.get_one(Teacher, self.cast.teacher["兰"], populate_existing=True)

    def decisions(self) -> list[tuple[str, str, str]]:
        with acting_as(SYSTEM):
            found = self.session.scalars(
                select(Decision).where(Decision.row_id == self.cast.teacher["兰"], Decision.table_name == "teacher").order_by(Decision.id)
            )
            return [(d.step, d.source, d.target) for d in found]


@pytest.fixture
def team(cast: Cast, factory: sessionmaker[Any]) -> Iterator[Team]:
    with factory() as session:
        yield Team(cast, session)


def test_the_last_of_them_moves_the_row_and_those_before_are_told_how_many_more(team: Team) -> None:
    assert team.take("平", "pass", THREE).still_needed == 2
    assert team.take("双", "pass", THREE).still_needed == 1
    assert team.row().certification is PENDING
    assert team.take("运", "pass", THREE).still_needed == 0
    assert team.row().certification is PASSED
    assert team.decisions() == [("pass", "pending", "pending")] * 2 + [("pass", "pending", "passed")]
    with acting_as(SYSTEM):
        told = team.session.scalars(select(Notice).where(Notice.account_id == team.cast.account["兰"])).all()
        lines = team.session.scalars(select(Change).where(Change.table_name == "teacher", Change.act == "pass")).all()
    assert len(told) == 1, "the person hears of the decision, not of every hand"
    assert len(lines) == 3


def test_the_same_person_twice_is_refused_with_a_sentence_whichever_account_they_use(team: Team) -> None:
    team.take("平", "pass")
    with pytest.raises(RuleViolation, match="您已经办理过“通过”，还需要其他 1 人办理。"):
        team.take("平", "pass")
    with acting_as(SYSTEM):
        team.session.execute(update(Account).where(Account.id == team.cast.account["平"]).values(id_number="350203197001010011"))
        team.session.commit()
    other_account = replace(
        team.people["竹"], person=frozenset({("account", team.cast.account["竹"]), ("id_number", "350203197001010011")})
    )
    with pytest.raises(RuleViolation, match="您已经办理过"):
        team.take(other_account, "pass")
    assert len(team.decisions()) == 1 and team.row().certification is PENDING


def test_one_contrary_decision_decides_at_once(team: Team) -> None:
    team.take("平", "pass", THREE)
    team.take("双", "fail", THREE, "材料不全")
    assert team.row().certification is FAILED
    with pytest.raises(Conflict):
        team.take("运", "pass", THREE)


def test_hands_count_since_the_row_last_entered_its_state(team: Team) -> None:
    team.take("平", "pass")
    team.take("双", "fail", comment="材料不全")
    team.take(team.cast.identity("兰"), "apply")
    assert team.take("平", "pass").still_needed == 1, "the hand from before the new application is no hand now"
    assert team.take("双", "pass").still_needed == 0


def test_the_number_may_be_asked_of_the_row(team: Team) -> None:
    by_row = team_of(lambda session, row: 3 if row.name == "兰" else 1)
    assert team.take("平", "pass", by_row).still_needed == 2


def test_nobody_passes_themselves_by_being_one_of_several(team: Team) -> None:
    me = replace(team.cast.identity("兰"), grants=team.people["平"].grants)
    with pytest.raises(RuleViolation, match="本人"):
        team.take(me, "pass")
    assert team.decisions() == []


def test_pages_and_the_menu_know_who_has_voted(team: Team) -> None:
    def waits(who: str, workflow: Workflow = TWO) -> int:
        return waiting(team.session, team.people[who], [workflow]).get("teacher", 0)

    before = {who: waits(who) for who in ("平", "双")}
    team.take("平", "pass")
    assert {who: waits(who) for who in ("平", "双")} == {"平": before["平"] - 1, "双": before["双"]}
    for who, why in (("平", "您已经办理过“通过”，还需要其他 1 人办理。"), ("双", "")):
        identity = team.people[who]
        [offer] = [o for o in offers(team.session, identity, TWO, team.row(), thorough=True) if o.step.name == "pass"]
        assert (offer.why, offer.taken, offer.needed) == (why, 1, 2)
        assert why_not(identity, TWO, team.row(), "pass", team.session) == why
    with acting_as(team.people["双"]):
        team.take("双", "fail", comment="材料不全")
        team.take(team.cast.identity("兰"), "apply")
    assert waits("平") == before["平"], "who applies anew waits anew"


def test_two_last_voters_at_once_one_moves_the_row_the_other_is_told(cast: Cast, factory: sessionmaker[Any]) -> None:
    with factory() as session:
        team = Team(cast, session)
        team.take("竹", "pass")

    def voting(name: str) -> tuple[Identity, Callable[[Session], Any]]:
        identity = team.people[name]

        def prepare(session: Session) -> Callable[[Session], object]:
            row = session.get_one(Teacher, cast.teacher["兰"])
            assert row.version
            return lambda session: take(session, identity, TWO, row, "pass", now=TODAY)

        return identity, prepare

    results = race(factory, [voting("平"), voting("运")])
    assert sorted(type(result) for result in results if result) == [Conflict]
    with factory() as session:
        assert sorted(Team(cast, session).decisions()) == [("pass", "pending", "passed"), ("pass", "pending", "pending")]


def test_two_first_voters_at_once_are_both_recorded(cast: Cast, factory: sessionmaker[Any]) -> None:
    with factory() as session:
        people = Team(cast, session).people

    def voting(name: str) -> tuple[Identity, Callable[[Session], Any]]:
        def prepare(session: Session) -> Callable[[Session], object]:
            row = session.get_one(Teacher, cast.teacher["兰"])
            assert row.version
            return lambda session: take(session, people[name], THREE, row, "pass", now=TODAY)

        return people[name], prepare

    assert race(factory, [voting("平"), voting("运")]) == [None, None]
    with factory() as session:
        assert Team(cast, session).decisions() == [("pass", "pending", "pending")] * 2


def test_the_page_and_the_diagram_say_how_many() -> None:
    assert "pending --> passed : 通过 (2 persons)" in diagram(TWO)
    assert "2 different persons" in workflows_page([TWO])
    assert "as many different persons as `the_team` says" in workflows_page([team_of(the_team)])
    assert " (several persons)" in diagram(team_of(the_team))


def the_team(session: Session, row: Any) -> int:
    return 2


def test_a_wrong_quorum_is_told() -> None:
    assert check_workflow(TWO) == []
    assert check_workflow(team_of(0)) == [
        "teacher.certification: pass asks for 0 persons; one at least",
    ]
    loop = Step("again", PENDING, PENDING, act="certify", label="复核", quorum=2)
    assert "again is taken by several persons" in " ".join(check_workflow(replace(TWO, steps=(*TWO.steps, loop))))


def test_over_http_the_button_counts_and_the_voter_is_told(
    monkeypatch: pytest.MonkeyPatch, cast: Cast, client_of: Any, engine: Any
) -> None:
    monkeypatch.setitem(approvals._BY_MODEL, Teacher, TWO)
    with Session(engine) as session:
        post = session.scalars(select(Post).filter_by(account_id=cast.account["双"], role=SCHOOL_ADMIN)).one()
        post.school_id, post.scope_path = None, cast.path["北"]
        session.commit()
    lan = cast.teacher["兰"]
    ping, other = client_of("平"), client_of("双")
    assert "通过（0/2 人）" in ping.get(f"/teacher/show/{lan}").text
    ping.post(f"/teacher/do/pass/{lan}")
    page = ping.get(f"/teacher/show/{lan}").text
    assert "已记录，还需 1 人。" in page and "通过（1/2 人）" in page and "您已经办理过“通过”" in page
    other.post(f"/teacher/do/pass/{lan}")
    page = other.get(f"/teacher/show/{lan}").text
    assert "已办理。" in page and "认证通过" in page
