"""A teacher applies to be recognised with what proves it, the school looks at it and decides (S3-09, S3-121…123)."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import BytesIO
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from models.files import Attachment
from models.people import Certification, CertificationState, Teacher
from tests import samples
from tests.bench.measuring import counted
from tests.cast import Cast
from tests.clients import Browser

ClientOf = Callable[[str], Browser]


def apply(browser: Browser, *files: tuple[bytes, str], keep: tuple[int, ...] = ()) -> TestResponse:
    """Send the form as a browser without scripts does."""
    browser.get("/me/certification")
    sent = [(BytesIO(content), name) for content, name in files]
    form = {"csrf_token": browser.token, "files.evidence": ["", *map(str, keep)], "upload.evidence": sent}
    return browser.client.post("/me/certification", data=form, content_type="multipart/form-data")


def newest(cast: Cast, name: str) -> tuple[int, list[int]]:
    """The teacher's last application, and its files."""
    with Session(cast.engine) as session:
        mine = select(Certification.id).where(Certification.teacher_id == cast.teacher[name]).order_by(Certification.id.desc())
        row = session.scalars(mine).first() or 0
        theirs = (Attachment.owner_table == "certification", Attachment.owner_id == row)
        return row, list(session.scalars(select(Attachment.id).where(*theirs).order_by(Attachment.rank)))


def state(cast: Cast, name: str) -> CertificationState:
    with Session(cast.engine) as session:
        return session.get_one(Teacher, cast.teacher[name]).certification


def test_the_school_sees_what_the_teacher_attached_and_decides(client_of: ClientOf, cast: Cast) -> None:
    zhu, ping = client_of("竹"), client_of("平")
    assert 'href="/me/certification"' in zhu.get("/me/").text
    assert "聘书、任职证明" in zhu.get("/me/certification").text
    assert apply(zhu, (samples.pdf(), "聘书.pdf"), (samples.docx(), "任职证明.docx")).status_code == 303
    row, (letter, proof) = newest(cast, "竹")
    assert state(cast, "竹") is CertificationState.PENDING
    for page in (ping.get(f"/certification/show/{row}").text, ping.get(f"/teacher/show/{cast.teacher['竹']}").text):
        assert "证明材料" in page and "聘书.pdf" in page and f"/files/{proof}/preview" in page
    assert ping.get(f"/files/{letter}/聘书.pdf").data == samples.pdf()
    assert "聘书.pdf" in zhu.get(f"/certification/show/{row}").text
    for outsider in ("锐", "兰", "岚", "林"):
        browser = client_of(outsider)
        assert browser.get(f"/files/{letter}/聘书.pdf").status_code == 404, outsider
        assert browser.get(f"/certification/show/{row}").status_code in (403, 404), outsider


def test_without_anything_attached_one_applies_as_before(client_of: ClientOf, cast: Cast) -> None:
    zhu = client_of("竹")
    assert apply(zhu).status_code == 303 and state(cast, "竹") is CertificationState.PENDING
    assert "证明材料" not in client_of("平").get(f"/teacher/show/{cast.teacher['竹']}").text


def test_a_refused_file_applies_for_nothing_and_the_good_one_stays(client_of: ClientOf, cast: Cast) -> None:
    zhu = client_of("竹")
    answer = apply(zhu, (samples.pdf(), "聘书.pdf"), (samples.PROGRAM, "证明.pdf"))
    assert answer.status_code == 422 and "“证明.pdf”的内容与名称的“.pdf”不符" in answer.text and "聘书.pdf" in answer.text
    assert state(cast, "竹") is CertificationState.NONE
    kept = re.findall(r'name="files.evidence" value="(\d+)"', answer.text)
    assert apply(zhu, keep=tuple(map(int, kept))).status_code == 303
    assert len(newest(cast, "竹")[1]) == 1


def test_while_it_waits_evidence_is_added_and_a_stale_decision_is_refused(client_of: ClientOf, cast: Cast) -> None:
    lan, ping = client_of("兰"), client_of("平")
    page = ping.get(f"/teacher/show/{cast.teacher['兰']}").text
    seen = re.search(r'name="seen" value="(\d+)"', page)
    assert seen
    assert apply(lan, (samples.pdf(), "聘书.pdf")).status_code == 303
    assert state(cast, "兰") is CertificationState.PENDING
    stale = ping.post(f"/teacher/do/pass/{cast.teacher['兰']}", seen=seen[1])
    assert state(cast, "兰") is CertificationState.PENDING, stale.text
    assert "聘书.pdf" in ping.get(f"/teacher/show/{cast.teacher['兰']}").text
    ping.post(f"/teacher/do/pass/{cast.teacher['兰']}")
    assert state(cast, "兰") is CertificationState.PASSED
    late = apply(lan, (samples.pdf(), "迟到.pdf"))
    assert late.status_code in (409, 422) and len(newest(cast, "兰")[1]) == 1


def test_who_is_certified_already_is_told_so(client_of: ClientOf, cast: Cast) -> None:
    page = client_of("梅").get("/me/certification").text
    assert "当前状态是“认证通过”" in page and "upload.evidence" not in page
    assert client_of("平").get("/me/certification").status_code == 404


def test_rest_tells_of_evidence_to_who_reads_the_application(client_of: ClientOf, cast: Cast) -> None:
    apply(client_of("竹"), (samples.pdf(), "聘书.pdf"))
    row, _files = newest(cast, "竹")
    told = client_of("平").api("get", f"/api/v1/certification/{row}").json
    assert [file["name"] for file in told["result"]["files"]["evidence"]] == ["聘书.pdf"]
    assert client_of("锐").api("get", f"/api/v1/certification/{row}").status_code == 404


def test_the_pages_ask_the_database_little(app: Any, client_of: ClientOf, cast: Cast) -> None:
    zhu, ping = client_of("竹"), client_of("平")
    apply(zhu, (samples.pdf(), "聘书.pdf"))
    for browser, address, most in ((zhu, "/me/certification", 7), (ping, f"/teacher/show/{cast.teacher['竹']}", 10)):
        with counted(app.extensions["engine"]) as sent:
            assert browser.get(address).status_code == 200
        assert len(sent) <= most, "\n".join((address, *sent))
