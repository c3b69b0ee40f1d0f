"""Behind the bell: told once, in the act's own transaction, to whom it concerns and to nobody else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from models.access import Account, Post
from models.base import declared, table_name
from models.jobs import Job, JobKind
from models.notices import Notice, NoticeKind
from models.scoping import NOBODY, SYSTEM, acting_as
from models.violation import OutOfReach, Sentence
from rules import sms
from rules.accounts import authenticate, policy, reset_many, reset_password
from rules.approvals import ACCOUNT_OPENING, CERTIFICATION, WORKFLOWS
from rules.errors import RuleViolation
from rules.jobs import STILL_AFTER, ask_for, fail, finish, recover, take_up
from rules.notices import (
    KEPT_DAYS,
    accounts_of,
    administrators_of,
    forget_notices,
    open_notice,
    read_all,
    send_due_texts,
    tell_accounts,
)
from rules.people import leave_school
from rules.permission_codes import Contact, bind_code
from rules.phones import confirm_phone_change, start_phone_change
from rules.posts import end_post, hand_over
from rules.workflow import take
from tests.bench.measuring import counted
from tests.cast import TODAY as NOW

KEY = b"a key of this installation"
CONTACT = Contact("林老师", "北实验小学", "教导主任", "13860000001")


def notices(session, cast, name):
    with acting_as(SYSTEM):
        mine = select(Notice).where(Notice.account_id == cast.account[name]).order_by(Notice.id)
        return list(session.scalars(mine, execution_options={"populate_existing": True}))


def told(session, cast, name):
    return [str(notice.sentence) for notice in notices(session, cast, name)]


def everybody_told(session):
    with acting_as(SYSTEM):
        return session.scalar(select(func.count(Notice.id)))


def tell(session, cast, *names, sentence="有新的通知。", now=NOW, **how):
    with acting_as(SYSTEM):
        tell_accounts(session, [cast.account[name] for name in names], Sentence(sentence), kind=NoticeKind.ACCOUNT, now=now, **how)
        session.commit()


# --- the verb ---------------------------------------------------------------------------------------------------------


def test_each_account_is_told_once_however_often_it_is_named(session, cast):
    with acting_as(SYSTEM):
        whom = [cast.account["梅"], cast.account["梅"], None, cast.account["平"]]
        tell_accounts(session, whom, Sentence("有新的通知。"), "/me/", kind=NoticeKind.ACCOUNT, now=NOW, place="/350000/")
        session.commit()
    assert told(session, cast, "梅") == told(session, cast, "平") == ["有新的通知。"]
    [notice] = notices(session, cast, "梅")
    assert (notice.address, notice.place, notice.made_at, notice.read_at, notice.is_text_due) == ("/me/", "/350000/", NOW, None, False)
    assert everybody_told(session) == 2


def test_nobody_to_tell_is_no_error(session, cast):
    with acting_as(SYSTEM):
        tell_accounts(session, [None], Sentence("有新的通知。"), kind=NoticeKind.ACCOUNT, now=NOW)
    assert everybody_told(session) == 0


@pytest.mark.parametrize(
    "address",
    [
        "",
        "me/",
        "//evil.example/",
        "/\\evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "/a b",
        "/a\\b",
        "/\n/evil",
        "/" + "x" * 200,
    ],
)
def test_a_notice_leads_nowhere_but_to_this_platform(session, cast, address):
    with acting_as(SYSTEM), pytest.raises(ValueError, match="no page of this platform"):
        tell_accounts(session, [cast.account["梅"]], Sentence("有新的通知。"), address, kind=NoticeKind.ACCOUNT, now=NOW)


def test_the_sentence_still_knows_how_it_is_put_together(session, cast):
    with acting_as(SYSTEM):
        said = Sentence.of([Sentence("{kind}任务“{title}”已完成。", kind=JobKind.EXPORT, title="{原样}"), "没有参数。"])
        tell_accounts(session, [cast.account["梅"]], said, kind=NoticeKind.JOB, now=NOW)
        session.commit()
    [notice] = notices(session, cast, "梅")
    assert notice.sentence == "导出任务“{原样}”已完成。没有参数。"
    assert notice.sentence.parts[0].template == "{kind}任务“{title}”已完成。"
    assert notice.sentence.parts[0].params == {"kind": "导出", "title": "{原样}"}


def test_whom_a_unit_and_a_person_stand_for(session, cast):
    with acting_as(SYSTEM):
        assert administrators_of(session, cast.path["北"]) == [cast.account["平"]]
        assert administrators_of(session, cast.path["厦门市"]) == []
        assert accounts_of(session, [("teacher", cast.teacher["梅"]), ("phone", "13850000002")]) == [cast.account["梅"]]
        assert accounts_of(session, [("phone", "13850000002"), ("id_number", "35020319900501004X")]) == []
        session.execute(update(Post).where(Post.account_id == cast.account["平"]).values(until=NOW))
        assert administrators_of(session, cast.path["北"]) == []


# --- reading ----------------------------------------------------------------------------------------------------------


def test_opening_marks_one_and_only_ones_own(session, cast):
    tell(session, cast, "梅", "平")
    [mine], [other] = notices(session, cast, "梅"), notices(session, cast, "平")
    identity = cast.identity("梅")
    assert open_notice(session, identity, mine.id, now=NOW).address == "/notices/"
    later = NOW + timedelta(hours=1)
    open_notice(session, identity, mine.id, now=later)
    assert notices(session, cast, "梅")[0].read_at == NOW
    for who, number in ((identity, other.id), (identity, 10**6), (cast.identity("福"), other.id), (NOBODY, other.id)):
        with pytest.raises(OutOfReach):
            open_notice(session, who, number, now=NOW)
    assert notices(session, cast, "平")[0].read_at is None


def test_all_are_read_up_to_the_last_one_seen(session, cast):
    tell(session, cast, "梅", "平")
    tell(session, cast, "梅")
    seen = notices(session, cast, "梅")[-1].id
    tell(session, cast, "梅", sentence="后来的通知。")
    assert read_all(session, cast.identity("梅"), upto=seen, now=NOW) == 2
    assert [notice.read_at for notice in notices(session, cast, "梅")] == [NOW, NOW, None]
    assert [notice.read_at for notice in notices(session, cast, "平")] == [None]
    assert read_all(session, cast.identity("梅"), upto=seen, now=NOW) == 0


def test_old_ones_are_forgotten(session, cast):
    tell(session, cast, "梅", sentence="旧的通知。", now=NOW - timedelta(days=KEPT_DAYS, seconds=1))
    tell(session, cast, "梅", now=NOW - timedelta(days=KEPT_DAYS - 1))
    with acting_as(SYSTEM):
        forget_notices(session, before=NOW - timedelta(days=KEPT_DAYS))
    assert told(session, cast, "梅") == ["有新的通知。"]


# --- decisions --------------------------------------------------------------------------------------------------------


def test_who_is_decided_on_hears_of_it_with_the_comment(desk, session, cast):
    desk.take("平", "fail", "兰", "证件号码与本人不符")
    assert told(session, cast, "兰") == ["“教师认证审核”的办理结果：不通过。审核意见：证件号码与本人不符"]
    [notice] = notices(session, cast, "兰")
    assert (notice.kind, notice.address, notice.place, notice.made_at) == (NoticeKind.DECISION, "/me/", cast.path["兰"], NOW)
    desk.take("兰", "apply", "兰")
    assert everybody_told(session) == 1, "nobody is told of what they did themselves"
    desk.take("平", "pass", "兰")
    assert told(session, cast, "兰")[1:] == ["“教师认证审核”的办理结果：通过。"]


@pytest.mark.parametrize(("who", "count"), [("平", 1), ("梅", 0)])
def test_who_is_let_go_is_told_and_who_goes_is_not(session, cast, desk, who, count):
    identity = cast.identity(who)
    with acting_as(identity):
        leave_school(session, identity, desk.teacher("梅"), now=NOW)
    assert told(session, cast, "梅") == ["“教师认证审核”的办理结果：取消认证。审核意见：从学校移除"] * count


def test_what_was_rolled_back_told_nobody(session, cast, desk):
    with acting_as(SYSTEM):
        identity = cast.identity("平")
        take(session, identity, CERTIFICATION, desk.teacher("兰"), "pass", now=NOW, commit=False)
        assert everybody_told(session) == 1
        session.rollback()
    assert everybody_told(session) == 0
    with pytest.raises(RuleViolation):
        desk.take("平", "fail", "兰")
    assert everybody_told(session) == 0


def test_an_account_that_is_closed_and_opened_again(session, cast, desk):
    fu = cast.identity("福")
    for step in ("disable", "enable"):
        with acting_as(fu):
            take(session, fu, ACCOUNT_OPENING, desk.account("平"), step, now=NOW)
    assert told(session, cast, "平") == ["“账号开通审核”的办理结果：停用。", "“账号开通审核”的办理结果：启用。"]


def test_every_workflow_knows_an_account_to_tell():
    """A workflow in which rows wait for a decision, and name nobody by account or teacher, would tell nobody."""
    assert [w.name for w in WORKFLOWS if w.waits and not {"account", "teacher"} & set(w.person.columns)] == []
    assert all(w.leads_to.startswith("/") or table_name(w.model) in map(table_name, declared()) for w in WORKFLOWS)


# --- accounts ---------------------------------------------------------------------------------------------------------


def lock(session, cast, name, now=NOW):
    for _try in range(policy().lock_limit + 1):
        authenticate(session, cast.username[name], "Wrong2026x", now=now)


def test_a_lock_is_told_inside_once_and_by_phone_once_a_day(session, cast, inbox):
    lock(session, cast, "梅")
    lock(session, cast, "梅")
    sentence = "您的账号因密码连续输错，已锁定15分钟。如果不是您本人操作，请在登录后修改密码。"
    assert told(session, cast, "梅") == [sentence]
    assert inbox.messages == [], "nothing is sent in the guesser's request"
    later = NOW + timedelta(minutes=20)
    with acting_as(SYSTEM):
        send_due_texts(session, now=NOW)
        send_due_texts(session, now=NOW)
        assert inbox.messages == [("13850000001", f"【教师研修】{sentence}")]
    lock(session, cast, "梅", later)
    with acting_as(SYSTEM):
        send_due_texts(session, now=later)
    assert len(told(session, cast, "梅")) == 2 and len(inbox.messages) == 1


def test_an_account_without_a_phone_is_told_inside_alone(session, cast, inbox, desk):
    desk.put(Account, cast.account["梅"], phone=None)
    lock(session, cast, "梅")
    with acting_as(SYSTEM):
        send_due_texts(session, now=NOW)
    assert len(told(session, cast, "梅")) == 1 and inbox.messages == []


def test_a_message_that_comes_too_late_is_not_sent(session, cast, inbox):
    lock(session, cast, "梅")
    with acting_as(SYSTEM):
        send_due_texts(session, now=NOW + timedelta(hours=2))
    assert inbox.messages == []


def test_a_gateway_that_fails_does_not_send_twice(session, cast, inbox, monkeypatch):
    lock(session, cast, "梅")

    def broken(phone, text):
        raise ConnectionError("gateway")

    with acting_as(SYSTEM):
        with monkeypatch.context() as patched, pytest.raises(ConnectionError):
            patched.setattr(inbox, "send", broken)
            send_due_texts(session, now=NOW)
        send_due_texts(session, now=NOW)
    assert inbox.messages == []


def test_without_a_gateway_a_text_waits_for_one(session, cast, inbox):
    """Not for ever: an hour later it helps nobody."""
    tell(session, cast, "梅", by_phone=True)
    sms.set_gateway(sms.NoGateway())
    with acting_as(SYSTEM):
        send_due_texts(session, now=NOW)
        sms.set_gateway(inbox)
        send_due_texts(session, now=NOW)
    assert [phone for phone, _text in inbox.messages] == ["13850000001"]


def test_a_guesser_at_an_account_that_is_none_tells_nobody(session, cast):
    for _try in range(9):
        assert authenticate(session, "nobody-at-all", "Wrong2026x", now=NOW) is None
    assert everybody_told(session) == 0


def test_a_new_password_by_an_administrator(session, cast, desk):
    ping = cast.identity("平")
    with acting_as(ping):
        reset_password(session, ping, desk.account("梅"), NOW)
    assert told(session, cast, "梅") == ["管理员已重置您的密码，原密码不再有效。如果不是您本人要求的，请联系管理员。"]
    assert everybody_told(session) == 1


def test_everybody_reset_together_is_told_like_one(session, cast, engine):
    """S0-06: in two statements, history and bell, whether a school is reset or its city; nobody else hears of it."""
    sent = {}
    for unit in ("北", "厦门市"):
        with counted(engine) as statements:
            reset_many(session, SYSTEM, cast.path[unit], NOW)
        sent[unit] = len(statements)
    assert sent["厦门市"] == sent["北"]
    names = {name for name in cast.account if told(session, cast, name)}
    assert names == {"梅", "兰", "竹", "菊", "松", "荷"}
    assert told(session, cast, "菊") == ["管理员已重置您的密码，原密码不再有效。如果不是您本人要求的，请联系管理员。"]
    [notice] = notices(session, cast, "菊")
    assert (notice.kind, notice.address, notice.made_at, notice.is_text_due) == (NoticeKind.ACCOUNT, "/me/password", NOW, False)
    assert everybody_told(session) == 9, "the three of North were reset twice"


def test_a_new_phone_is_told_without_its_number(session, cast, desk, inbox):
    start_phone_change(session, desk.account("梅"), "13700000001", NOW, secret_key=KEY)
    confirm_phone_change(session, desk.account("梅"), inbox.code(), NOW, secret_key=KEY)
    [sentence] = told(session, cast, "梅")
    assert "137****0001" in sentence and "13700000001" not in sentence


# --- posts and codes --------------------------------------------------------------------------------------------------


def post_of(session, cast, name):
    with acting_as(SYSTEM):
        return session.get(Post, cast.identity(name).post_id)


def test_whose_post_ends_is_told_by_whom_it_ended(session, cast):
    dan = cast.identity("丹")
    with acting_as(dan):
        end_post(session, dan, post_of(session, cast, "锐"), now=NOW)
    assert told(session, cast, "锐") == ["您在南实验小学的“学校管理员”岗位已由上级管理员结束。"]
    assert notices(session, cast, "锐")[0].address == "/my-administrators/"
    assert everybody_told(session) == 1


def test_a_handover_tells_the_old_administrator_then_the_issuer(session, cast, desk):
    dan = cast.identity("丹")
    with acting_as(dan):
        issued = hand_over(session, dan, KEY, post_of(session, cast, "平"), now=NOW, days=7)
    assert told(session, cast, "平") == ["您在北实验小学的“学校管理员”岗位已由上级管理员变更，将由新的管理员接任。"]
    lin = cast.identity("林")
    account = desk.account("林")
    with acting_as(lin):
        post = bind_code(session, lin, KEY, issued.code_text, CONTACT, account=account, address="203.0.113.7", now=NOW)
    assert told(session, cast, "丹") == [f"权限码 {issued.prefix} 已被绑定，北实验小学有了新的学校管理员。如有疑问，请核实后处理。"]
    assert (notices(session, cast, "丹")[0].address, notices(session, cast, "丹")[0].place) == (f"/post/show/{post.id}", cast.path["北"])
    assert told(session, cast, "林") == []


def test_a_code_that_does_not_open_tells_nobody(session, cast, desk):
    lin, account = cast.identity("林"), desk.account("林")
    with acting_as(lin), pytest.raises(RuleViolation):
        bind_code(session, lin, KEY, "ABCD-EFGH-JKLM-NPQR", CONTACT, account=account, address="203.0.113.7", now=NOW)
    assert everybody_told(session) == 0


# --- jobs -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def job(session, cast):
    with acting_as(SYSTEM):
        return ask_for(
            session, cast.identity("平"), Job(title="教师导入", kind=JobKind.IMPORT_APPLY, total=10, details={"table": "teacher"})
        )


@pytest.mark.parametrize("is_awaited", [False, True])
def test_a_job_tells_its_end_to_who_did_not_wait_for_it(session, cast, job, is_awaited):
    with acting_as(SYSTEM):
        run = take_up(session, job.id, now=NOW, is_awaited=is_awaited)
        finish(session, run, message="已导入 10 行。", now=NOW)
        assert everybody_told(session) == (0 if is_awaited else 1)
        session.rollback()
        assert everybody_told(session) == 0, "the work was taken back, and so was what told of it"
        finish(session, run, message="已导入 10 行。", now=NOW)
        session.commit()
        fail(session, run, "晚了", now=NOW)
    assert told(session, cast, "平") == ([] if is_awaited else ["导入任务“教师导入”已完成。"])


def test_a_job_that_failed_or_lost_its_worker_says_so_once(session, cast, job):
    with acting_as(SYSTEM):
        take_up(session, job.id, now=NOW)
        later = NOW + STILL_AFTER + timedelta(seconds=1)
        recover(session, now=later)
        recover(session, now=later)
    assert told(session, cast, "平") == ["导入任务“教师导入”没有完成，请查看原因。"]
    assert notices(session, cast, "平")[0].address == f"/job/show/{job.id}"


def test_a_failed_job_tells_its_owner(session, cast, job):
    with acting_as(SYSTEM):
        fail(session, take_up(session, job.id, now=NOW), "文件已过期清理，请重新上传。", now=NOW)
    assert told(session, cast, "平") == ["导入任务“教师导入”没有完成，请查看原因。"]
