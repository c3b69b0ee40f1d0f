"""A substitute works until a date under their own name, on nobody's own matter, and is gone by themselves when the date has passed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from models.access import Account, Post
from models.activation import administrator_counts
from models.base import utcnow
from models.history import Change, Decision
from models.notices import Notice
from models.people import CertificationState, Teacher
from models.scoping import SYSTEM, Identity, acting_as
from models.violation import Conflict, NotPermitted, OutOfReach, RuleViolation
from rules.approvals import CERTIFICATION, WORKFLOWS
from rules.delegates import delegate, own_posts, withdraw
from rules.grants import SCHOOL_ADMIN
from rules.notices import administrators_of
from rules.page_views import day_of
from rules.posts import end_post, hand_over, who_is_my_admin
from rules.workflow import take
from rules.workflow_waiting import waiting
from tests.cast import Cast
from views.panel.security import account_with_posts, identity_at, workbench_key

NOW = utcnow()
TODAY = day_of(NOW)
SOON = TODAY + timedelta(days=7)


class Office:
    """平 administers North; 梅 teaches there and may stand in."""

    def __init__(self, cast: Cast, session: Session) -> None:
        self.cast, self.session = cast, session

    def post(self, name: str, role: str = SCHOOL_ADMIN) -> Post:
        with acting_as(SYSTEM):
            return self.session.scalars(
                select(Post).filter_by(account_id=self.cast.account[name], role=role).order_by(Post.id.desc())
            ).first()  # type: ignore[return-value]

    def name(self, who: str | Identity, substitute: str = "梅", last_day: date = SOON, of: Post | None = None, now: Any = NOW) -> Post:
        identity = self.cast.identity(who) if isinstance(who, str) else who
        return delegate(self.session, identity, of or self.post("平"), self.cast.username[substitute], last_day, now=now)

    def at_work(self, name: str) -> Identity | None:
        """Who the person is at the workbench of an administrator, as their next request finds them."""
        with acting_as(SYSTEM):
            found = account_with_posts(self.session, self.cast.account[name])
        assert found is not None
        admin = [post for post in found[1] if post.role == SCHOOL_ADMIN]
        return identity_at(found[0], found[1], workbench_key(admin[-1])) if admin else None

    def told(self, name: str) -> list[str]:
        with acting_as(SYSTEM):
            return [
                str(n.sentence)
                for n in self.session.scalars(select(Notice).where(Notice.account_id == self.cast.account[name]).order_by(Notice.id))
            ]

    def who_is_told(self) -> set[str]:
        """Whom a notice for North's administrators reaches."""
        with acting_as(SYSTEM):
            accounts = administrators_of(self.session, self.cast.path["北"])
        return {name for name, account in self.cast.account.items() if account in accounts}

    def put(self, model: Any, row_id: int, **values: Any) -> None:
        with acting_as(SYSTEM):
            self.session.execute(update(model.__table__).where(model.__table__.c.id == row_id).values(values))
            self.session.commit()
            self.session.expire_all()


@pytest.fixture
def office(cast: Cast, factory: sessionmaker[Any]) -> Iterator[Office]:
    with factory() as session:
        yield Office(cast, session)


def test_a_substitute_decides_under_their_own_name_as_the_post_they_stand_in_for(office: Office) -> None:
    office.name("平")
    mei = office.at_work("梅")
    assert mei is not None and mei.label == "学校管理员 · 北实验小学（代 平）"
    with acting_as(mei):
        lan = office.session.get_one(Teacher, office.cast.teacher["兰"])
        take(office.session, mei, CERTIFICATION, lan, "pass", now=NOW)
    with acting_as(SYSTEM):
        decision = office.session.scalars(select(Decision).where(Decision.row_id == lan.id, Decision.table_name == "teacher")).one()
    assert (decision.account_id, decision.post) == (office.cast.account["梅"], "学校管理员 · 北实验小学（代 平）")
    assert office.told("梅") == [f"您受托代理平在北实验小学的“学校管理员”岗位，至 {SOON:%Y.%m.%d} 止。"]
    assert office.told("平") == [], "who does it is not told of it"


def test_never_on_their_own_matter_nor_on_that_of_whom_they_stand_in_for(office: Office) -> None:
    office.put(Teacher, office.cast.teacher["梅"], certification=CertificationState.PENDING)
    office.put(Teacher, office.cast.teacher["竹"], certification=CertificationState.PENDING)
    office.put(Account, office.cast.account["平"], phone="13850000033")
    office.put(Teacher, office.cast.teacher["竹"], phone="13850000033")
    office.name("平")
    mei = office.at_work("梅")
    assert mei is not None
    for name, sentence in (("梅", "本人的事项"), ("竹", "被代理人本人的事项")):
        with acting_as(mei), pytest.raises(RuleViolation, match=sentence):
            take(office.session, mei, CERTIFICATION, office.session.get_one(Teacher, office.cast.teacher[name]), "pass", now=NOW)
    assert waiting(office.session, mei, WORKFLOWS)["teacher"] == 1, "兰 alone"


def test_it_ends_by_itself_and_nothing_has_to_happen(office: Office) -> None:
    named = office.name("平", last_day=TODAY)
    assert named.until is not None and named.until - NOW < timedelta(days=1)
    assert office.at_work("梅") is not None
    office.put(Post, named.id, until=utcnow() - timedelta(seconds=1))
    assert office.at_work("梅") is None
    assert office.who_is_told() == {"平"}
    assert office.name("平", "竹", now=utcnow()).id != named.id, "another may be named now"


def test_a_superior_names_one_for_who_is_away_and_both_are_told(office: Office) -> None:
    with acting_as(office.cast.identity("丹")):
        office.name("丹")
    assert len(office.told("梅")) == len(office.told("平")) == 1
    assert "受托代理您" in office.told("平")[0]


@pytest.mark.parametrize("who", ["锐", "岚", "梅", "林"])
def test_nobody_else_names_one(office: Office, who: str) -> None:
    with pytest.raises((NotPermitted, OutOfReach, RuleViolation)):
        office.name(who)
    assert office.at_work("梅") is None


@pytest.mark.parametrize(
    ("substitute", "days", "sentence"),
    [
        ("菊", 7, "没有找到这个账号"),
        ("锐", 7, "没有找到这个账号"),
        ("平", 7, "不能委托给岗位的本人"),
        ("梅", -1, "不能早于今天"),
        ("梅", 367, "最长 366 天"),
    ],
)
def test_a_sentence_for_every_refusal(office: Office, substitute: str, days: int, sentence: str) -> None:
    with pytest.raises(RuleViolation, match=sentence):
        office.name("平", substitute, TODAY + timedelta(days=days))
    with acting_as(SYSTEM):
        assert office.session.scalars(select(Post).where(Post.delegate_of_id.is_not(None))).all() == []


def test_a_substitute_names_none_and_takes_nothing_from_whom_they_stand_in_for(office: Office) -> None:
    named = office.name("平")
    mei = office.at_work("梅")
    assert mei is not None
    with pytest.raises(RuleViolation, match="不能再委托"):
        office.name(mei, "竹", of=named)
    for act in (lambda: office.name(mei, "竹"), lambda: end_post(office.session, mei, office.post("平"), now=NOW)):
        with pytest.raises((RuleViolation, NotPermitted)):
            act()
    with pytest.raises(RuleViolation, match="代理岗位，不能变更管理员"):
        hand_over(office.session, office.cast.identity("丹"), b"k" * 40, named, now=NOW, days=7)
    with pytest.raises(RuleViolation, match="已委托梅代理"):
        office.name("平", "竹")


def test_a_province_in_the_hands_of_a_substitute_keeps_its_administrator(office: Office) -> None:
    """REGION_SUPER may replace their own level: whoever stands in may not turn that against the holder."""
    fu = office.post("福", "region_super")
    office.put(Account, office.cast.account["丹"], scope_path=office.cast.path["福建省"])
    delegate(office.session, office.cast.identity("福"), fu, office.cast.username["丹"], SOON, now=NOW)
    named = office.post("丹", "region_super")
    dan = replace(office.cast.identity("福"), account_id=office.cast.account["丹"], post_id=named.id)
    with pytest.raises(RuleViolation, match="您正在代理这个岗位"):
        end_post(office.session, dan, fu, now=NOW)


@pytest.mark.parametrize("who", ["平", "梅", "丹"])
def test_it_can_be_withdrawn_and_the_others_are_told(office: Office, who: str) -> None:
    named = office.name("平")
    withdraw(office.session, office.cast.identity(who), named, now=utcnow())
    assert office.at_work("梅") is None
    told = {name: sum("提前结束" in sentence for sentence in office.told(name)) for name in ("平", "梅")}
    assert told == {name: int(name != who) for name in ("平", "梅")}
    with pytest.raises(Conflict):
        withdraw(office.session, office.cast.identity(who), named, now=utcnow())
    with acting_as(SYSTEM):
        acts = office.session.scalars(
            select(Change.act).where(Change.table_name == "post", Change.row_id == office.post("平").id).order_by(Change.id)
        ).all()
    assert acts == ["delegate", "withdraw_delegate"]


@pytest.mark.parametrize("who", ["锐", "兰", "岚"])
def test_nobody_else_withdraws_it(office: Office, who: str) -> None:
    named = office.name("平")
    with pytest.raises((NotPermitted, OutOfReach)):
        withdraw(office.session, office.cast.identity(who), named, now=utcnow())
    assert office.at_work("梅") is not None


def test_whoever_leaves_takes_their_substitute_along(office: Office) -> None:
    office.name("平")
    end_post(office.session, office.cast.identity("丹"), office.post("平"), now=utcnow())
    assert office.at_work("梅") is None
    assert "代理随之结束" in office.told("梅")[-1]


def test_the_office_is_one_and_filled_by_its_holder(office: Office) -> None:
    before = administrator_counts_of(office)
    office.name("平")
    assert administrator_counts_of(office) == before
    assert office.who_is_told() == {"平", "梅"}
    known = who_is_my_admin(office.session, office.cast.identity("竹"))
    assert [one.name for one in known if one.unit_name == "北实验小学"] == ["平", "梅"]
    assert [(p.role, bool(s)) for p, s in own_posts(office.session, office.cast.identity("平"), now=NOW)] == [(SCHOOL_ADMIN, True)]


def administrator_counts_of(office: Office) -> dict[int, int]:
    with acting_as(SYSTEM):
        return administrator_counts(office.session, set(office.cast.region.values()))


def test_of_two_named_at_once_one_is_named(cast: Cast, factory: sessionmaker[Any]) -> None:
    start = Barrier(2)

    def naming(substitute: str) -> Exception | None:
        with factory() as session:
            office = Office(cast, session)
            post = office.post("平")
            session.commit()
            start.wait(timeout=30)
            try:
                office.name("平", substitute, of=post)
            except RuleViolation as refusal:
                return refusal
            return None

    with ThreadPoolExecutor(2) as threads:
        results = list(threads.map(naming, ("梅", "竹")))
    assert [type(result) for result in results].count(type(None)) == 1
    with acting_as(SYSTEM), factory() as session:
        assert len(session.scalars(select(Post).where(Post.delegate_of_id.is_not(None))).all()) == 1


def test_over_http(cast: Cast, client_of: Any, engine: Any) -> None:
    ping = client_of("平")
    assert "委托代理" in ping.get("/posts/").text
    with Session(engine) as session:
        post = session.scalars(select(Post.id).filter_by(account_id=cast.account["平"])).one()
        theirs = session.scalars(select(Post.id).filter_by(account_id=cast.account["锐"])).one()
    assert ping.get(f"/posts/{theirs}/delegate").status_code == 404
    form = {"username": cast.username["菊"], "last_day": SOON.isoformat()}
    refused = ping.post(f"/posts/{post}/delegate", **form)
    assert refused.status_code == 422 and "没有找到这个账号" in refused.text
    assert ping.post(f"/posts/{post}/delegate", **form | {"username": cast.username["梅"]}).status_code == 303
    assert "收回代理" in ping.get("/posts/").text
    mei = client_of("梅")
    assert "学校管理员（代 平）" in mei.get("/").text
    assert mei.get("/teacher/list/").status_code == 200
    with Session(engine) as session:
        named = session.scalars(select(Post.id).where(Post.delegate_of_id == post)).one()
    above = client_of("丹")
    page = above.get(f"/post/show/{named}").text
    assert "由梅代为办理" in page
    assert client_of("锐").post(f"/posts/{named}/withdraw").status_code == 404
    assert above.post(f"/post/do/delegate/{post}").headers["Location"].endswith(f"/posts/{post}/delegate")
    assert mei.post(f"/posts/{named}/withdraw").status_code == 303
    assert "（代 平）" not in mei.get("/").text
