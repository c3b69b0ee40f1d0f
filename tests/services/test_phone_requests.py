"""Another phone, by customer service: five items, a call back, and a photograph few see and nobody keeps (S4-39…41)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from models.access import Account, AccountState
from models.files import Attachment, Blob
from models.history import Change, Decision
from models.notices import Notice
from models.people import Teacher
from models.scoping import ROOT, SYSTEM, Identity, acting_as
from models.service import RequestKind, RequestState, ServiceRequest
from models.violation import Conflict, NotPermitted, OutOfReach, RuleViolation
from rules import sms
from rules.files import attachment_for, collect_files, files_of
from rules.files_store import FileStore
from rules.phone_requests import Person, Photo, ask_for_phone, forget_photos
from rules.service import ASKS_PER_ADDRESS, TOO_OFTEN, Asked, ask_service, find_request, matching_accounts
from rules.service_desk import CHANGED, LAPSED, SERVICE, call_back, change_asked_phone, lapse
from rules.workflow import take
from rules.workflow_waiting import waiting
from tests import samples
from tests.cast import TODAY, Cast
from tests.inbox import Inbox
from tests.services.desk import Desk
from tests.services.test_workflow_races import Act, race

KEY = b"k" * 32
HERE = "203.0.113.7"
NEW = "13700000077"
MEI = Person("梅", "350203198503120028", "13850000001", NEW)
PORTRAIT = "梅手持身份证.png"


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(f"file://{tmp_path / 'files'}")


@pytest.fixture
def stored(tmp_path: Path) -> Callable[[], list[Path]]:
    """What lies in the store."""
    return lambda: [path for path in (tmp_path / "files").rglob("*") if path.is_file()]


def ask(
    desk: Desk,
    store: FileStore,
    content: bytes | None = None,
    file_name: str = PORTRAIT,
    account: Account | None = None,
    address: str = HERE,
    **given: str,
) -> str:
    photo = Photo(file_name, BytesIO(samples.png(40, 30) if content is None else content))
    person = replace(MEI, **given)
    return ask_for_phone(desk.session, person, photo, store, account=account, address=address, now=TODAY, secret_key=KEY)


def last(desk: Desk) -> ServiceRequest:
    return desk.rows(ServiceRequest)[-1]  # type: ignore[no-any-return]


def photo_of(desk: Desk, request: ServiceRequest) -> Attachment:
    [photo] = files_of(desk.session, [request])[request.id]
    return photo


def called(desk: Desk, store: FileStore, **given: str) -> ServiceRequest:
    """A request whose author has been called back by the desk."""
    ask(desk, store, **given)
    request = last(desk)
    with acting_as(operator := desk.cast.identity("运")):
        call_back(desk.session, operator, request, "运营 14:05 拨打新号码，本人接听，报出学校和任教学科。", TODAY)
    return request


def change(desk: Desk, request: ServiceRequest, answer: str = "", who: str = "运") -> str:
    with acting_as(identity := desk.cast.identity(who)):
        return change_asked_phone(desk.session, identity, request, answer, TODAY)


# --- asking -----------------------------------------------------------------------------------------------------------


def test_the_five_items_are_stored_with_the_photograph_in_one(desk: Desk, store: FileStore) -> None:
    number = ask(
        desk,
        store,
        file_name=" a/..\\梅手持身份证.png",
        id_number="３50203198503120028",
        old_phone="138 5000 0001",
        phone="+86 137-0000-0077",
    )
    request = last(desk)
    assert (request.kind, request.state, request.scope_path) == (RequestKind.PHONE, RequestState.WAITING, ROOT)
    assert (request.name, request.id_number, request.old_phone, request.phone) == ("梅", MEI.id_number, "13850000001", NEW)
    photo = photo_of(desk, request)
    assert (photo.name, photo.owner_table, photo.slot, photo.uploaded_by) == (PORTRAIT, "service_request", "photo", None)
    assert find_request(desk.session, NEW, number, address=HERE, now=TODAY, secret_key=KEY).id == request.id


def test_the_signed_in_are_named_with_what_they_ask(desk: Desk, store: FileStore) -> None:
    mei = desk.account("梅")
    ask(desk, store, account=mei)
    assert (last(desk).account_id, photo_of(desk, last(desk)).uploaded_by) == (mei.id, mei.id)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"id_number": "350203198503120029"}, "id_number"),
        ({"id_number": ""}, "id_number"),
        ({"old_phone": "12345"}, "old_phone"),
        ({"phone": "12345"}, "phone"),
        ({"phone": "13850000001"}, "phone"),
    ],
)
def test_what_cannot_be_used_is_told_beside_its_field_and_no_photograph_is_kept(
    desk: Desk, store: FileStore, stored: Any, given: dict[str, str], field: str
) -> None:
    before = len(desk.rows(ServiceRequest))
    with pytest.raises(RuleViolation) as refusal:
        ask(desk, store, **given)
    assert refusal.value.field == field
    assert len(desk.rows(ServiceRequest)) == before and stored() == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("照片.png", samples.PROGRAM),
        ("照片.jpg", samples.HTML),
        ("照片.svg", samples.SVG),
        ("照片.png", b""),
        ("照片.pdf", samples.pdf()),
        ("照片.docx", samples.docx()),
        ("照片.png.exe", samples.png()),
        ("照片", samples.png()),
        ("照片.png", samples.png()[:3]),
        ("照片.mp4", samples.MP4),
    ],
)
def test_only_a_picture_is_taken_and_nothing_else_stays(desk: Desk, store: FileStore, stored: Any, name: str, content: bytes) -> None:
    before = len(desk.rows(ServiceRequest))
    with pytest.raises(RuleViolation) as refusal:
        ask(desk, store, content, name)
    assert refusal.value.field == "photo"
    assert len(desk.rows(ServiceRequest)) == before
    assert stored() == [] and desk.rows(Attachment) == [] and desk.rows(Blob) == []


def test_a_request_that_is_not_stored_leaves_no_photograph(
    desk: Desk, store: FileStore, stored: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The picture is good and in the store when the row is refused: by an empty name, by a number that is there already."""
    with pytest.raises(RuleViolation, match="姓名"):
        ask_for_phone(
            desk.session,
            replace(MEI, name="\u200b"),
            Photo(PORTRAIT, BytesIO(samples.png())),
            store,
            account=None,
            address=HERE,
            now=TODAY,
            secret_key=KEY,
        )
    monkeypatch.setattr("rules.phone_requests.draw_number", lambda: "AAAA-AAAA")
    ask(desk, store)
    with pytest.raises(RuleViolation):
        ask(desk, store, samples.png(50, 50))
    assert len(stored()) == len(desk.rows(Blob)) == len(desk.rows(Attachment)) == 1


def test_one_address_cannot_fill_the_store_and_refused_pictures_count(desk: Desk, store: FileStore, stored: Any) -> None:
    for _ in range(ASKS_PER_ADDRESS - 1):
        with pytest.raises(RuleViolation, match="不符"):
            ask(desk, store, samples.PROGRAM)
    ask_service(desk.session, Asked(RequestKind.PASSWORD, "平", "北实验小学", NEW), account=None, address=HERE, now=TODAY, secret_key=KEY)
    with pytest.raises(RuleViolation, match=TOO_OFTEN):
        ask(desk, store)
    assert stored() == []
    assert ask(desk, store, address="203.0.113.8")


# --- who sees the photograph ------------------------------------------------------------------------------------------


def test_only_who_decides_on_the_request_is_given_the_photograph(desk: Desk, store: FileStore) -> None:
    ask(desk, store, account=desk.account("梅"))
    photo = photo_of(desk, last(desk))
    assert attachment_for(desk.session, desk.cast.identity("运"), photo.id).id == photo.id
    for who in ("梅", "福", "丹", "平", "林"):
        with pytest.raises(OutOfReach):
            attachment_for(desk.session, desk.cast.identity(who), photo.id)
    reader = Identity(account_id=1, grants=frozenset({("read", "service_request", ROOT), ("reveal", "service_request", ROOT)}))
    with pytest.raises(OutOfReach):
        attachment_for(desk.session, reader, photo.id)


def test_its_history_names_no_file(desk: Desk, store: FileStore) -> None:
    request = called(desk, store)
    change(desk, request)
    forget_photos(desk.session, before=TODAY + timedelta(days=1))
    told = desk.rows(Change, Change.table_name == "service_request", Change.row_id == request.id)
    assert [line.act for line in told] == ["add", "call_back", "rebind", "files"]
    assert told[-1].changes == {"photo": [["***"], []]}
    assert not any(PORTRAIT in str(line.changes) for line in told)


# --- the desk ---------------------------------------------------------------------------------------------------------


def test_the_account_is_found_by_name_number_and_old_phone(desk: Desk, store: FileStore) -> None:
    ask(desk, store)
    with acting_as(operator := desk.cast.identity("运")):
        [first, *_others] = matching_accounts(desk.session, operator, last(desk))
    assert (first.account.first_name, list(first.agrees)) == ("梅", ["原手机号码", "姓名", "身份证号码"])


@pytest.mark.usefixtures("inbox")
def test_the_phone_changes_only_after_the_call_and_everybody_is_told(desk: Desk, store: FileStore, inbox: Inbox) -> None:
    number = ask(desk, store)
    request = last(desk)
    with pytest.raises(Conflict, match="当前状态是“待处理”"):
        change(desk, request)
    with acting_as(operator := desk.cast.identity("运")):
        with pytest.raises(RuleViolation, match="请填写“回访记录”"):
            call_back(desk.session, operator, request, "  ", TODAY)
        call_back(desk.session, operator, request, "14:05 本人接听", TODAY)
    assert (last(desk).state, last(desk).answered_at, desk.account("梅").phone) == (RequestState.CALLED, None, "13850000001")
    assert change(desk, request) == "137****0077"
    mei, teacher = desk.account("梅"), desk.teacher("梅")
    assert (mei.phone, teacher.phone, mei.username) == (NEW, NEW, MEI.id_number)
    found = find_request(desk.session, NEW, number, address=HERE, now=TODAY, secret_key=KEY)
    assert (found.state, found.answer, found.answered_at) == (RequestState.ANSWERED, CHANGED, TODAY)
    [first, second] = desk.rows(Decision, Decision.table_name == "service_request")
    assert (first.step, first.comment, first.at, first.account_id) == ("call_back", "14:05 本人接听", TODAY, desk.cast.account["运"])
    assert second.step == "rebind"
    [(phone, text)] = inbox.messages
    assert phone == "13850000001" and "137****0077" in text and "不是您本人申请" in text and NEW not in text
    [notice] = desk.rows(Notice, Notice.account_id == mei.id)
    assert "137****0077" in notice.sentence and notice.is_text_due, "the new phone is told by the worker"


@pytest.mark.usefixtures("inbox")
@pytest.mark.parametrize(
    "given",
    [
        {"name": "兰"},
        {"id_number": "35020319900501004X"},
        {"old_phone": "13850000002"},
        {"old_phone": "13850000098"},
    ],
)
def test_without_an_account_that_agrees_in_all_three_nothing_is_changed(desk: Desk, store: FileStore, given: dict[str, str]) -> None:
    request = called(desk, store, **given)
    with pytest.raises(RuleViolation, match="都与申请一致"):
        change(desk, request)
    assert (last(desk).state, last(desk).answer, desk.account("梅").phone) == (RequestState.CALLED, None, "13850000001")
    with acting_as(operator := desk.cast.identity("运")):
        take(desk.session, operator, SERVICE, last(desk), "refuse", comment="姓名与账号登记不一致。", now=TODAY)
    assert last(desk).state is RequestState.REFUSED


@pytest.mark.usefixtures("inbox")
def test_who_was_never_given_a_phone_is_known_by_the_one_the_school_recorded(desk: Desk, store: FileStore, inbox: Inbox) -> None:
    """S4-39: a teacher whom the school entered has an account without a phone; name, number and call are asked as of anybody."""
    desk.put(Account, desk.cast.account["梅"], phone=None)
    request = called(desk, store)
    [match] = matching_accounts(desk.session, desk.cast.identity("运"), request)
    assert match.agrees == ["教师信息中的手机号码", "姓名", "身份证号码"]
    assert change(desk, request) == "137****0077"
    desk.session.expire_all()
    assert (desk.account("梅").phone, desk.teacher("梅").phone) == (NEW, NEW)
    assert [phone for phone, _text in inbox.messages] == [MEI.old_phone], "the number that was recorded hears of it"


@pytest.mark.parametrize("given", [{"phone": "13850000099"}, {"phone": None}])
def test_a_recorded_phone_counts_only_where_it_agrees(desk: Desk, store: FileStore, given: dict[str, Any]) -> None:
    desk.put(Account, desk.cast.account["梅"], phone=None)
    desk.put(Teacher, desk.cast.teacher["梅"], **given)
    with pytest.raises(RuleViolation, match="没有姓名、身份证号码、原手机号码都与申请一致的在用账号"):
        change(desk, called(desk, store))


def test_the_phone_of_the_account_goes_before_the_recorded_one(desk: Desk, store: FileStore) -> None:
    """Whoever keeps the old number in the school's record only, and has bound another since, proves nothing by it."""
    desk.put(Account, desk.cast.account["梅"], phone="13850000088")
    with pytest.raises(RuleViolation, match="没有姓名、身份证号码、原手机号码都与申请一致的在用账号"):
        change(desk, called(desk, store))
    assert desk.account("梅").phone == "13850000088"


@pytest.mark.usefixtures("inbox")
def test_a_taken_phone_or_a_shut_account_changes_nothing(desk: Desk, store: FileStore) -> None:
    request = called(desk, store, phone="13850000002")
    with pytest.raises(RuleViolation, match="已绑定其他账号"):
        change(desk, request)
    assert (last(desk).state, desk.account("梅").phone) == (RequestState.CALLED, "13850000001")
    desk.put(Account, desk.cast.account["梅"], state=AccountState.DISABLED)
    request = called(desk, store)
    with pytest.raises(RuleViolation, match="都与申请一致"):
        change(desk, request)


def test_the_answer_tells_no_password(desk: Desk, store: FileStore) -> None:
    request = called(desk, store)
    with pytest.raises(RuleViolation, match="不能写密码") as refusal:
        change(desk, request, "密码是245635@Gd")
    assert refusal.value.field == "comment" and desk.account("梅").phone == "13850000001"


def test_only_customer_service_calls_back_and_changes(desk: Desk, store: FileStore) -> None:
    request = called(desk, store)
    ask(desk, store)
    for who in ("福", "丹", "平", "梅", "林"):
        with acting_as(identity := desk.cast.identity(who)):
            with pytest.raises(NotPermitted):
                call_back(desk.session, identity, last(desk), "好", TODAY)
            with pytest.raises(NotPermitted):
                change_asked_phone(desk.session, identity, request, "", TODAY)


def test_who_answers_requests_and_may_change_no_phone_there_changes_none(desk: Desk, store: FileStore) -> None:
    """A role of its own: customer service of another city."""
    request = called(desk, store)
    grants = {("answer", "service_request", ROOT), ("read", "service_request", ROOT), ("rebind", "account", desk.cast.path["莆田市"])}
    elsewhere = Identity(account_id=desk.cast.account["远"], grants=frozenset(grants))
    with acting_as(elsewhere), pytest.raises(RuleViolation, match="都与申请一致"):
        change_asked_phone(desk.session, elsewhere, request, "", TODAY)
    assert (last(desk).state, desk.account("梅").phone) == (RequestState.CALLED, "13850000001")


def test_nobody_decides_on_their_own_request_by_whichever_item_they_are_known(desk: Desk, store: FileStore) -> None:
    identity = desk.cast.identity("运")
    ask(desk, store)
    mine = replace(identity, person=identity.person | {("id_number", MEI.id_number)})
    with acting_as(mine), pytest.raises(RuleViolation, match="不能办理本人的事项"):
        call_back(desk.session, mine, last(desk), "好", TODAY)
    assert (
        waiting(desk.session, mine, (SERVICE,)).get("service_request", 0)
        == waiting(desk.session, identity, (SERVICE,))["service_request"] - 1
    )


def test_who_asks_for_something_else_is_given_no_phone(desk: Desk) -> None:
    ask_service(desk.session, Asked(RequestKind.PASSWORD, "平", "北实验小学", NEW), account=None, address=HERE, now=TODAY, secret_key=KEY)
    with acting_as(operator := desk.cast.identity("运")), pytest.raises(RuleViolation, match="只有更换手机号码的申请"):
        call_back(desk.session, operator, last(desk), "好", TODAY)


@pytest.mark.usefixtures("inbox")
def test_without_a_gateway_the_phone_changes_and_nobody_is_texted(desk: Desk, store: FileStore) -> None:
    """The old phone is told where it can be; that it cannot must not keep somebody locked out."""
    request = called(desk, store)
    sms.set_gateway(sms.NoGateway())
    change(desk, request)
    assert desk.account("梅").phone == NEW


# --- at once ----------------------------------------------------------------------------------------------------------


def deciding(cast: Cast, row_id: int, act: str) -> tuple[Identity, Callable[[Session], Act]]:
    identity = cast.identity("运")

    def prepare(session: Session) -> Act:
        row = session.get_one(ServiceRequest, row_id)
        if act == "rebind":
            return lambda session: change_asked_phone(session, identity, row, "", TODAY)
        return lambda session: take(session, identity, SERVICE, row, act, comment="照片与本人不符", now=TODAY)

    return identity, prepare


@pytest.mark.usefixtures("inbox")
@pytest.mark.parametrize("other", ["rebind", "refuse"])
def test_of_two_at_the_desk_one_decides_and_the_other_is_told(desk: Desk, store: FileStore, factory: sessionmaker[Any], other: str) -> None:
    request = called(desk, store)
    desk.session.commit()
    results = race(factory, [deciding(desk.cast, request.id, "rebind"), deciding(desk.cast, request.id, other)])
    assert [type(result) for result in results if result] == [Conflict]
    told = str(next(result for result in results if result))
    assert "办理" in told or "刚刚已由他人处理" in told
    desk.session.expire_all()
    is_changed = results[0] is None or other == "rebind"
    assert desk.account("梅").phone == (NEW if is_changed else "13850000001")
    assert last(desk).state is (RequestState.ANSWERED if is_changed else RequestState.REFUSED)
    decisions = desk.rows(Decision, Decision.table_name == "service_request")
    assert len(decisions) == 2, "the call and one decision"


# --- afterwards -------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("inbox")
def test_the_photograph_goes_some_days_after_the_decision_and_not_before(desk: Desk, store: FileStore, stored: Any) -> None:
    decided = called(desk, store)
    change(desk, decided)
    ask(desk, store, samples.png(60, 60))
    open_still = last(desk)
    assert forget_photos(desk.session, before=TODAY) == 0
    assert len(stored()) == 2
    assert forget_photos(desk.session, before=TODAY + timedelta(seconds=1)) == 1
    assert forget_photos(desk.session, before=TODAY + timedelta(days=400)) == 0, "one that waits keeps its own, another one is gone"
    with acting_as(SYSTEM):
        assert collect_files(desk.session, store, now=TODAY) == 1
    assert files_of(desk.session, [decided, open_still])[decided.id] == [] and photo_of(desk, open_still)
    assert len(stored()) == 1


@pytest.mark.usefixtures("inbox")
def test_a_request_nobody_decides_ends_by_itself_and_its_photograph_goes_as_any_others(desk: Desk, store: FileStore) -> None:
    number = ask(desk, store, account=desk.account("梅"))
    waits = last(desk)
    assert lapse(desk.session, before=waits.updated_at, now=TODAY) == 0, "it is not that long"
    later = TODAY + timedelta(days=31)
    assert lapse(desk.session, before=waits.updated_at + timedelta(seconds=1), now=later) == 1
    ended = last(desk)
    assert (ended.state, ended.answer, ended.answered_at) == (RequestState.REFUSED, LAPSED, later)
    found = find_request(desk.session, NEW, number, address=HERE, now=later, secret_key=KEY)
    assert found is not None and found.answer == LAPSED
    told = desk.rows(Notice, Notice.account_id == desk.cast.account["梅"])
    assert any("逾期结束" in str(notice.sentence) for notice in told)
    assert lapse(desk.session, before=later + timedelta(days=99), now=later) == 0
    assert forget_photos(desk.session, before=later + timedelta(days=31)) == 1
    assert files_of(desk.session, [ended])[ended.id] == []


def test_what_was_called_back_lately_goes_on(desk: Desk, store: FileStore) -> None:
    request = called(desk, store)
    assert lapse(desk.session, before=request.updated_at, now=TODAY) == 0
    assert last(desk).state is RequestState.CALLED
