"""Customer service: what may be asked, who reads the answer, what is looked up, and where a password goes (S0-17, S0-24, S3-134, Z-12)."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from models.access import Account, Post
from models.history import Decision
from models.org import Region, RegionLevel, School
from models.scoping import ROOT, SYSTEM, acting_as
from models.service import RequestKind, RequestState, ServiceRequest
from models.violation import Conflict, NotPermitted, RuleViolation
from rules import sms
from rules.accounts import authenticate
from rules.approvals import SERVICE, WORKFLOWS
from rules.service import (
    ASKS_PER_ADDRESS,
    LOOKS_PER_ADDRESS,
    NOT_FOUND,
    TOO_OFTEN,
    Asked,
    ask_service,
    find_request,
    matching_accounts,
    own_requests,
    reset_by_sms,
)
from rules.workflow import offers, take
from rules.workflow_waiting import waiting
from tests.cast import TODAY
from tests.inbox import Inbox
from tests.services.desk import Desk

KEY = b"k" * 32
HERE = "203.0.113.7"
PHONE = "13700000001"
ASKED = Asked(RequestKind.PASSWORD, "平", "北实验小学", PHONE)


def ask(desk: Desk, account: Account | None = None, address: str = HERE, **given: Any) -> str:
    return ask_service(desk.session, replace(ASKED, **given), account=account, address=address, now=TODAY, secret_key=KEY)


def look(desk: Desk, phone: str, number: str, address: str = HERE) -> ServiceRequest:
    return find_request(desk.session, phone, number, address=address, now=TODAY, secret_key=KEY)


def last(desk: Desk) -> ServiceRequest:
    return desk.rows(ServiceRequest)[-1]  # type: ignore[no-any-return]


def decide(desk: Desk, who: str, step: str, request: ServiceRequest, comment: str) -> None:
    with acting_as(identity := desk.cast.identity(who)):
        take(desk.session, identity, SERVICE, request, step, comment=comment, now=TODAY)


# --- asking -----------------------------------------------------------------------------------------------------------


def test_a_request_waits_at_the_unit_it_names_and_keeps_no_number(desk: Desk) -> None:
    number = ask(desk, name=" 平 ", unit="北实验小学 ", phone="+86 137-0000-0001", id_tail="００2x")
    assert re.fullmatch(r"[34679A-Y]{4}-[34679A-Y]{4}", number)
    request = last(desk)
    assert (request.name, request.phone, request.id_tail, request.state) == ("平", PHONE, "002X", RequestState.WAITING)
    assert (request.scope_path, request.school_id, request.region_id) == (desk.cast.path["北"], desk.cast.school["北"], None)
    stored = [str(getattr(request, column.key)) for column in ServiceRequest.__table__.c]
    assert not any(number in text or number.replace("-", "") in text for text in stored)


def test_a_unit_nobody_or_several_are_called_leaves_the_request_to_the_platform(desk: Desk) -> None:
    ask(desk, unit="没有这所学校")
    assert last(desk).scope_path == ROOT
    ask(desk, unit="思明区")
    assert (last(desk).scope_path, last(desk).region_id) == (desk.cast.path["思明区"], desk.cast.region["思明区"])
    with acting_as(SYSTEM):
        desk.session.add(Region(code="350299", name="北实验小学", level=RegionLevel.COUNTY, parent_id=desk.cast.region["厦门市"]))
        desk.session.commit()
    ask(desk)
    assert (last(desk).scope_path, last(desk).school_id) == (ROOT, None)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": "\u200b "}, "name"),
        ({"name": "平" * 101}, "name"),
        ({"unit": " "}, "unit_name"),
        ({"unit": "校" * 101}, "unit_name"),
        ({"phone": "12345"}, "phone"),
        ({"id_tail": "12"}, "id_tail"),
        ({"id_tail": "12345"}, "id_tail"),
        ({"description": "字" * 501}, "description"),
        ({"kind": RequestKind.OTHER, "description": " \u200b"}, "description"),
    ],
)
def test_what_cannot_be_used_is_told_beside_its_field(desk: Desk, given: dict[str, Any], field: str) -> None:
    before = len(desk.rows(ServiceRequest))
    with pytest.raises(RuleViolation) as refusal:
        ask(desk, **given)
    assert refusal.value.field == field
    assert len(desk.rows(ServiceRequest)) == before


def test_one_address_cannot_flood_the_desk(desk: Desk) -> None:
    for _ in range(ASKS_PER_ADDRESS):
        ask(desk)
    with pytest.raises(RuleViolation, match=TOO_OFTEN):
        ask(desk)
    assert ask(desk, address="203.0.113.8")


# --- reading the answer -----------------------------------------------------------------------------------------------


def test_number_and_phone_together_open_the_request_however_they_are_typed(desk: Desk) -> None:
    number = ask(desk)
    assert look(desk, "137 0000 0001", number.lower().replace("-", " ")).id == last(desk).id


def test_wrong_and_foreign_are_answered_alike(desk: Desk) -> None:
    mine, other = ask(desk), ask(desk, phone="13700000002")
    told = set()
    for phone, number in ((PHONE, "AAAA-AAAA"), (PHONE, other), ("13700000002", mine), ("13700000003", mine), (PHONE, "")):
        with pytest.raises(RuleViolation) as refusal:
            look(desk, phone, number)
        told.add((refusal.value.message, refusal.value.field))
    assert told == {(NOT_FOUND, "number")}


def test_guesses_are_limited_and_finding_ones_own_is_no_guess(desk: Desk) -> None:
    number = ask(desk)
    for _ in range(LOOKS_PER_ADDRESS + 1):
        look(desk, PHONE, number)
    for _ in range(LOOKS_PER_ADDRESS):
        with pytest.raises(RuleViolation, match=NOT_FOUND):
            look(desk, PHONE, "AAAA-AAAA")
    with pytest.raises(RuleViolation, match=TOO_OFTEN):
        look(desk, PHONE, number)


def test_the_signed_in_see_their_own_and_nobody_elses(desk: Desk) -> None:
    mei, lan = desk.account("梅"), desk.account("兰")
    ask(desk, mei)
    ask(desk)
    assert [request.account_id for request in own_requests(desk.session, mei)] == [mei.id]
    assert own_requests(desk.session, lan) == []


# --- deciding ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("step", "state"), [("answer", RequestState.ANSWERED), ("refuse", RequestState.REFUSED)])
def test_the_comment_is_the_answer_and_leaves_a_decision(desk: Desk, step: str, state: RequestState) -> None:
    number = ask(desk)
    decide(desk, "运", step, last(desk), "已电话核实。")
    found = look(desk, PHONE, number)
    assert (found.state, found.answer, found.answered_at) == (state, "已电话核实。", TODAY)
    [decision] = desk.rows(Decision, Decision.table_name == "service_request")
    assert (decision.step, decision.row_id, decision.account_id) == (step, found.id, desk.cast.account["运"])
    with pytest.raises(Conflict):
        decide(desk, "运", "answer", found, "再答一次")


@pytest.mark.parametrize("step", ["answer", "refuse"])
@pytest.mark.parametrize(
    ("comment", "why"),
    [
        ("", "请填写"),
        ("密码是245635@Gd", "不能写密码"),
        ("密码是24563Ｘ＠Gd。", "不能写密码"),
        ("密码ac3d-4ef6-g7hj", "不能写密码"),
        ("权限码AC3D-4EF6-G7HJ-9KM7", "不能写密码"),
    ],
)
def test_an_answer_is_given_and_tells_no_password(desk: Desk, step: str, comment: str, why: str) -> None:
    ask(desk)
    with pytest.raises(RuleViolation, match=why) as refusal:
        decide(desk, "运", step, last(desk), comment)
    assert refusal.value.field == "comment"
    assert (last(desk).state, last(desk).answer) == (RequestState.WAITING, None)


@pytest.mark.parametrize("who", ["福", "丹", "平", "梅", "林"])
def test_only_customer_service_decides(desk: Desk, who: str) -> None:
    ask(desk)
    with pytest.raises(NotPermitted):
        decide(desk, who, "answer", last(desk), "好的")
    assert "service_request" not in waiting(desk.session, desk.cast.identity(who), WORKFLOWS)


def test_nobody_answers_themselves_by_account_or_phone_and_it_is_not_counted_for_them(desk: Desk) -> None:
    operator = desk.account("运")
    desk.put(Account, operator.id, phone="13700000009")
    identity = desk.cast.identity("运")
    before = waiting(desk.session, identity, WORKFLOWS)["service_request"]
    ask(desk, desk.account("运"))
    ask(desk, phone="13700000009")
    assert waiting(desk.session, identity, WORKFLOWS)["service_request"] == before
    for request in desk.rows(ServiceRequest)[-2:]:
        with pytest.raises(RuleViolation, match="不能办理本人的事项"):
            decide(desk, "运", "answer", request, "好的")
        assert all(offer.why for offer in offers(desk.session, identity, SERVICE, request))
    ask(desk, phone="13700000010")
    assert waiting(desk.session, identity, WORKFLOWS)["service_request"] == before + 1


# --- looking up -------------------------------------------------------------------------------------------------------


def matches(desk: Desk, who: str, **given: Any) -> dict[str, list[str]]:
    ask(desk, **given)
    identity = desk.cast.identity(who)
    with acting_as(identity):
        return {match.account.first_name: list(match.agrees) for match in matching_accounts(desk.session, identity, last(desk))}


def test_what_agrees_most_comes_first(desk: Desk) -> None:
    found = matches(desk, "运", name="平", unit="北实验小学", phone="13850000001", id_tail="0028")
    assert found == {"梅": ["手机号码", "单位", "证件号码后四位"], "平": ["姓名", "单位"]}
    assert next(iter(found)) == "梅"


def test_an_administrator_is_found_by_the_phone_they_gave_as_a_contact(desk: Desk) -> None:
    [post] = desk.rows(Post, Post.account_id == desk.cast.account["丹"])
    assert matches(desk, "运", name="另一人", unit="不详", phone=post.contact_phone).get("丹") == ["手机号码"]


def test_an_ended_post_finds_nobody(desk: Desk) -> None:
    [post] = desk.rows(Post, Post.account_id == desk.cast.account["丹"])
    desk.put(Post, post.id, until=TODAY)
    assert "丹" not in matches(desk, "运", name="另一人", unit="思明区", phone=post.contact_phone)


def test_the_look_up_ends_where_the_reach_ends(desk: Desk) -> None:
    assert "平" in matches(desk, "福")
    assert matches(desk, "远") == {}


# --- passwords --------------------------------------------------------------------------------------------------------


def test_a_new_password_goes_to_the_phone_on_record_and_opens_the_account(desk: Desk, inbox: Inbox) -> None:
    desk.put(Account, desk.cast.account["平"], phone="13700000020")
    ping = desk.account("平")
    with acting_as(identity := desk.cast.identity("运")):
        told = reset_by_sms(desk.session, identity, ping, TODAY)
    [(phone, text)] = inbox.messages
    once = re.search(r"一次性密码：([0-9A-Z-]{14})", text)
    assert (told, phone) == ("137****0020", "13700000020")
    assert once is not None and "SchoolAdmin1" in text and once[1] not in told
    opened = authenticate(desk.session, "SchoolAdmin1", once[1], now=TODAY)
    assert opened is not None and opened.must_change_password


def test_a_default_password_is_described_not_sent(desk: Desk, inbox: Inbox) -> None:
    with acting_as(identity := desk.cast.identity("平")):
        reset_by_sms(desk.session, identity, desk.account("梅"), TODAY)
    [(phone, text)] = inbox.messages
    assert phone == "13850000001" and "默认密码" in text and "120028@Gd" not in text


def test_without_a_phone_on_record_nothing_is_reset(desk: Desk, inbox: Inbox) -> None:
    before = desk.account("平").password
    with acting_as(identity := desk.cast.identity("运")), pytest.raises(RuleViolation, match="没有登记手机号码"):
        reset_by_sms(desk.session, identity, desk.account("平"), TODAY)
    assert desk.account("平").password == before and inbox.messages == []


def test_who_may_not_reset_sends_nothing(desk: Desk, inbox: Inbox) -> None:
    with acting_as(identity := desk.cast.identity("丹")), pytest.raises(NotPermitted):
        reset_by_sms(desk.session, identity, desk.account("梅"), TODAY)
    desk.put(Account, desk.cast.account["丹"], phone="13700000021")
    with acting_as(identity := desk.cast.identity("福")), pytest.raises(RuleViolation):
        for _ in range(10):
            reset_by_sms(desk.session, identity, desk.account("丹"), TODAY)
    assert {phone for phone, _text in inbox.messages} == {"13700000021"} and len(inbox.messages) == 5


@pytest.mark.usefixtures("inbox")
def test_without_a_gateway_nothing_is_reset_and_the_log_keeps_no_secret(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """The operator reads what to set; the account keeps its password, since a new one would reach nobody."""
    caplog.set_level("INFO")
    desk.put(Account, desk.cast.account["平"], phone="13700000020")
    before = desk.account("平").password
    sms.set_gateway(sms.NoGateway())
    with acting_as(identity := desk.cast.identity("运")), pytest.raises(RuleViolation, match=r"还没有接通短信.*请联系平台运营"):
        reset_by_sms(desk.session, identity, desk.account("平"), TODAY)
    assert desk.account("平").password == before
    with pytest.raises(RuleViolation, match="还没有接通短信"):
        sms.send_sms("13700000020", "一次性密码：ABCD-EFGH-JKLM")
    assert [record.getMessage() for record in caplog.records] == ["no message can be sent: SMS_GATEWAY is not set, see docs/operations.md"]


# --- units ------------------------------------------------------------------------------------------------------------


def test_a_request_keeps_no_school_from_being_deleted_and_goes_to_the_platform(desk: Desk) -> None:
    with acting_as(SYSTEM):
        school = School(code="3135999999", name="新学校", region_id=desk.cast.region["思明区"])
        desk.session.add(school)
        desk.session.commit()
    ask(desk, unit="新学校")
    assert last(desk).school_id == school.id
    with acting_as(SYSTEM):
        desk.session.delete(desk.session.get_one(School, school.id))
        desk.session.commit()
        desk.session.expire_all()
    assert (last(desk).scope_path, last(desk).school_id, last(desk).unit_name) == (ROOT, None, "新学校")
