"""An application to be recognised and what proves it: seen by its author and by who decides, changed until it is decided (S3-09, S3-121…123)."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from models.people import Certification, CertificationOutcome, CertificationState, Teacher
from models.scoping import acting_as
from models.violation import Conflict, NotPermitted, OutOfReach, RuleViolation
from rules.approvals import CERTIFICATION
from rules.certification import apply_with_evidence, change_evidence
from rules.files import attachment_for, files_of
from rules.files_store import FileStore
from rules.uploads import keep_file
from rules.workflow import take
from tests import samples
from tests.cast import TODAY
from tests.services.desk import Desk
from tests.services.test_workflow_races import Act, race


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(f"file://{tmp_path / 'files'}")


@pytest.fixture
def uploaded(desk: Desk, store: FileStore) -> Callable[..., int]:
    """``uploaded("竹", "聘书.pdf")``: a file of theirs that hangs on nothing yet."""

    def upload(who: str, name: str = "聘书.pdf", content: bytes | None = None) -> int:
        given = BytesIO(samples.pdf(name) if content is None else content)
        return keep_file(desk.session, desk.cast.identity(who), store, name, given, now=TODAY).id

    return upload


def apply(desk: Desk, who: str, *files: int) -> None:
    with acting_as(identity := desk.cast.identity(who)):
        apply_with_evidence(desk.session, identity, desk.teacher(who), files, now=TODAY)


def change(desk: Desk, who: str, *files: int) -> None:
    with acting_as(identity := desk.cast.identity(who)):
        change_evidence(desk.session, identity, desk.teacher(who), files, now=TODAY)


def evidence(desk: Desk, who: str) -> list[list[str]]:
    """Application by application, the oldest first."""
    rows = desk.rows(Certification, Certification.teacher_id == desk.cast.teacher[who])
    found = files_of(desk.session, rows)
    return [[file.name for file in found[row.id]] for row in rows]


def test_an_application_comes_with_its_evidence_or_without(desk: Desk, uploaded: Any) -> None:
    apply(desk, "竹", uploaded("竹"), uploaded("竹", "任职证明.docx", samples.docx()), uploaded("竹", "证书.png", samples.png()))
    assert evidence(desk, "竹") == [["聘书.pdf", "任职证明.docx", "证书.png"]]
    assert desk.teacher("竹").certification is CertificationState.PENDING
    apply(desk, "松")
    assert evidence(desk, "松")[-1] == []


def test_who_was_not_passed_applies_anew_with_other_evidence(desk: Desk, uploaded: Any) -> None:
    apply(desk, "竹", uploaded("竹", "旧聘书.pdf"))
    desk.take("平", "fail", "竹", "聘书已过期")
    apply(desk, "竹", uploaded("竹", "新聘书.pdf"))
    assert evidence(desk, "竹") == [["旧聘书.pdf"], ["新聘书.pdf"]], "what the school decided on stays"


@pytest.mark.parametrize(
    ("name", "content"), [("课堂.mp4", samples.MP4), ("页面.html", samples.HTML), ("材料.zip", samples.zipped(a=b"1"))]
)
def test_evidence_of_another_kind_is_refused_and_nothing_is_applied_for(desk: Desk, uploaded: Any, name: str, content: bytes) -> None:
    file = uploaded("竹", name, content)
    with pytest.raises(RuleViolation, match="不能上传这种文件") as refusal:
        apply(desk, "竹", file)
    assert refusal.value.field == "evidence"
    assert (desk.teacher("竹").certification, evidence(desk, "竹")) == (CertificationState.NONE, [])


def test_a_colleagues_file_is_nobodys_evidence(desk: Desk, uploaded: Any) -> None:
    file = uploaded("兰")
    with pytest.raises(RuleViolation, match="不是您上传的"):
        apply(desk, "竹", file)
    with acting_as(zhu := desk.cast.identity("竹")), pytest.raises(OutOfReach):
        change_evidence(desk.session, zhu, desk.teacher("兰"), [], now=TODAY)
    with acting_as(ping := desk.cast.identity("平")), pytest.raises(NotPermitted):
        apply_with_evidence(desk.session, ping, desk.teacher("竹"), [], now=TODAY)


def test_the_author_and_who_decides_see_it_and_nobody_else(desk: Desk, uploaded: Any) -> None:
    file = uploaded("竹")
    apply(desk, "竹", file)
    for who in ("竹", "平", "丹", "福"):
        assert attachment_for(desk.session, desk.cast.identity(who), file).name == "聘书.pdf"
    for who in ("兰", "梅", "锐", "菊", "岚", "远", "林"):
        with pytest.raises(OutOfReach):
            attachment_for(desk.session, desk.cast.identity(who), file)


def test_evidence_is_changed_until_the_decision(desk: Desk, uploaded: Any) -> None:
    first, second = uploaded("兰"), uploaded("兰", "补充证明.pdf")
    change(desk, "兰", first)
    change(desk, "兰", first, second)
    assert evidence(desk, "兰") == [["聘书.pdf", "补充证明.pdf"]]
    change(desk, "兰", second)
    assert evidence(desk, "兰") == [["补充证明.pdf"]]
    desk.take("平", "pass", "兰")
    with pytest.raises(Conflict, match="不能再更换"):
        change(desk, "兰", first)
    assert evidence(desk, "兰") == [["补充证明.pdf"]]


def test_a_decision_on_the_page_of_before_is_told_to_look_again(desk: Desk, uploaded: Any) -> None:
    """The page carries the version of the teacher; new evidence is another one."""
    before = desk.teacher("兰").version
    change(desk, "兰", uploaded("兰"))
    assert desk.teacher("兰").version > before


def test_evidence_and_decision_at_once_leave_one_story(desk: Desk, uploaded: Any, factory: sessionmaker[Any]) -> None:
    file, cast = uploaded("兰"), desk.cast
    desk.session.commit()

    def deciding(session: Session) -> Act:
        row = session.get_one(Teacher, cast.teacher["兰"])
        return lambda session: take(session, cast.identity("平"), CERTIFICATION, row, "pass", now=TODAY)

    def adding(session: Session) -> Act:
        row = session.get_one(Teacher, cast.teacher["兰"])
        return lambda session: change_evidence(session, cast.identity("兰"), row, [file], now=TODAY)

    results = race(factory, [(cast.identity("平"), deciding), (cast.identity("兰"), adding)])
    desk.session.expire_all()
    [row] = desk.rows(Certification, Certification.teacher_id == cast.teacher["兰"])
    is_passed = row.outcome is CertificationOutcome.PASSED
    assert [type(result) for result in results if result] == [Conflict]
    assert (results[0] is None) == is_passed
    assert evidence(desk, "兰") == [[] if is_passed else ["聘书.pdf"]], "nothing is added to what was decided, nothing decided unseen"
