"""A file comes in whole or not at all, hangs on a record with it, and goes when nothing refers to it."""

from __future__ import annotations

import errno
import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from threading import Barrier, Thread
from typing import Any
from xml.etree import ElementTree

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from models.declaring import DeclarationError
from models.files import Attachment, Blob, FileKind, FileSlot, Upload, check_slots
from models.history import Change
from models.org import School
from models.scoping import SYSTEM, acting_as
from models.violation import Conflict, OutOfReach, RuleViolation
from rules.files import attachment_for, claim, collect_files, discard, files_of, release, settle
from rules.files_store import FILES, FileStore
from rules.previews import _turn, check_bomb, check_docx, docx_html, office_pdf, text_of
from rules.uploads import (
    MB,
    Limits,
    begin_upload,
    cancel_upload,
    continue_upload,
    finish_upload,
    keep_file,
    limits,
    set_limits,
    upload_for,
)
from tests import samples
from tests.cast import TODAY, Cast

SLOTS = (
    FileSlot("plans", "规划方案", accept=(FileKind.DOCUMENT, FileKind.IMAGE), most=2),
    FileSlot("proof", "佐证材料", required=True),
)


@pytest.fixture(autouse=True)
def slots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Schools have files here."""
    monkeypatch.setattr(School, "__files__", SLOTS, raising=False)


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(f"file://{tmp_path / 'files'}")


@pytest.fixture
def session(cast: Cast, factory: sessionmaker[Any]) -> Iterator[Session]:
    with acting_as(cast.identity("平")), factory() as session:
        yield session


@pytest.fixture
def north(session: Session, cast: Cast) -> School:
    return session.get_one(School, cast.school["北"])


def kept(
    session: Session, cast: Cast, store: FileStore, name: str = "规划.pdf", content: bytes | None = None, who: str = "平", now: Any = TODAY
) -> Attachment:
    return keep_file(session, cast.identity(who), store, name, BytesIO(samples.pdf() if content is None else content), now=now)


def stored(tmp_path: Path) -> list[Path]:
    """Every file in the store."""
    return [path for path in (tmp_path / "files").rglob("*") if path.is_file()]


def count(session: Session, model: type[Any]) -> int:
    with acting_as(SYSTEM):
        return session.scalar(select(func.count()).select_from(model)) or 0


# --- in pieces --------------------------------------------------------------------------------------------------------


def test_pieces_become_one_file(session: Session, cast: Cast, store: FileStore, tmp_path: Path) -> None:
    ping, content = cast.identity("平"), samples.MP4 * 3
    upload = begin_upload(session, ping, "课堂.mp4", len(content), now=TODAY)
    for start in range(0, len(content), 500):
        upload = continue_upload(session, ping, store, upload.id, start, content[start : start + 500], now=TODAY)
    attachment = finish_upload(session, ping, store, upload.id, now=TODAY)
    with store.open(attachment.blob.key) as file:
        assert file.read() == content
    assert (attachment.name, attachment.kind, attachment.blob.size) == ("课堂.mp4", FileKind.VIDEO, len(content))
    assert len(stored(tmp_path)) == 1, "the pieces are gone"
    assert finish_upload(session, ping, store, upload.id, now=TODAY).id == attachment.id, "asked twice, the answer is the same"


def test_a_cut_connection_goes_on_where_it_was(session: Session, cast: Cast, store: FileStore, factory: Any) -> None:
    ping, content = cast.identity("平"), samples.pdf()
    upload = begin_upload(session, ping, "教案.pdf", len(content), now=TODAY)
    continue_upload(session, ping, store, upload.id, 0, content[:100], now=TODAY)
    with factory() as later:
        assert upload_for(later, ping, upload.id).arrived == 100
        with pytest.raises(Conflict):
            continue_upload(later, ping, store, upload.id, 0, content[:100], now=TODAY)
        with pytest.raises(RuleViolation, match="还没有传完"):
            finish_upload(later, ping, store, upload.id, now=TODAY)
        continue_upload(later, ping, store, upload.id, 100, content[100:], now=TODAY)
        assert finish_upload(later, ping, store, upload.id, now=TODAY).blob.size == len(content)


def test_of_the_same_piece_sent_twice_at_once_one_is_kept(
    session: Session, cast: Cast, store: FileStore, factory: Any, tmp_path: Path
) -> None:
    ping, start, ends = cast.identity("平"), Barrier(4), []
    upload = begin_upload(session, ping, "教案.txt", 20, now=TODAY)

    def send() -> None:
        with factory() as mine:
            start.wait()
            try:
                ends.append(continue_upload(mine, ping, store, upload.id, 0, b"0123456789", now=TODAY).arrived)
            except Conflict:
                ends.append(0)

    workers = [Thread(target=send) for _worker in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(ends) == [0, 0, 0, 10] and len(stored(tmp_path)) == 1


def test_more_than_was_announced_is_refused(session: Session, cast: Cast, store: FileStore, tmp_path: Path) -> None:
    upload = begin_upload(session, cast.identity("平"), "教案.pdf", 10, now=TODAY)
    with pytest.raises(RuleViolation, match="大小不符"):
        continue_upload(session, cast.identity("平"), store, upload.id, 0, b"x" * 11, now=TODAY)
    assert stored(tmp_path) == []


def test_an_upload_is_its_beginners_alone(session: Session, cast: Cast, store: FileStore) -> None:
    upload = begin_upload(session, cast.identity("平"), "教案.pdf", 10, now=TODAY)
    for act in (
        lambda: upload_for(session, cast.identity("锐"), upload.id),
        lambda: continue_upload(session, cast.identity("锐"), store, upload.id, 0, b"x", now=TODAY),
        lambda: cancel_upload(session, cast.identity("锐"), store, upload.id),
    ):
        with pytest.raises(OutOfReach):
            act()


@pytest.mark.parametrize(
    ("name", "size", "sentence"),
    [
        ("课堂.mp4", 2048 * MB + 1, "“课堂.mp4”太大：视频最大 2 GB。"),
        ("照片.png", 31 * MB, "“照片.png”太大：图片最大 30 MB。"),
        ("安装.exe", 10, "类型不支持"),
        ("空.pdf", 0, "空文件"),
    ],
)
def test_what_cannot_be_taken_is_refused_before_a_byte_is_sent(session: Session, cast: Cast, name: str, size: int, sentence: str) -> None:
    with pytest.raises(RuleViolation, match=sentence):
        begin_upload(session, cast.identity("平"), name, size, now=TODAY)
    assert count(session, Upload) == 0


def test_a_video_of_exactly_2_gb_is_taken(session: Session, cast: Cast) -> None:
    assert begin_upload(session, cast.identity("平"), "课堂.mp4", 2048 * MB, now=TODAY).arrived == 0


def test_nobody_fills_the_store_with_files_of_no_record(session: Session, cast: Cast, store: FileStore) -> None:
    before = limits()
    set_limits(Limits(unclaimed=1000))
    try:
        kept(session, cast, store, content=samples.pdf())
        with pytest.raises(RuleViolation, match="没有保存到记录里"):
            begin_upload(session, cast.identity("平"), "教案.pdf", 600, now=TODAY)
        assert begin_upload(session, cast.identity("锐"), "教案.pdf", 600, now=TODAY).id
    finally:
        set_limits(before)


def test_a_refused_content_leaves_nothing(session: Session, cast: Cast, store: FileStore, tmp_path: Path) -> None:
    ping = cast.identity("平")
    upload = begin_upload(session, ping, "教案.pdf", len(samples.PROGRAM), now=TODAY)
    continue_upload(session, ping, store, upload.id, 0, samples.PROGRAM, now=TODAY)
    with pytest.raises(RuleViolation, match="内容与名称"):
        finish_upload(session, ping, store, upload.id, now=TODAY)
    assert stored(tmp_path) == [] and count(session, Upload) == count(session, Blob) == count(session, Attachment) == 0


def test_a_full_disk_is_a_sentence_and_leaves_nothing(
    session: Session, cast: Cast, store: FileStore, tmp_path: Path, monkeypatch: Any
) -> None:
    """The disk takes the first bytes and no more."""
    opened = store._fs.open

    def full(path: str, mode: str = "rb", **options: Any) -> Any:
        file = opened(path, mode, **options)
        if "w" in mode:
            write = file.write

            def refuse(chunk: bytes) -> int:
                write(chunk[:10])
                raise OSError(errno.ENOSPC, "No space left on device")

            file.write = refuse
        return file

    ping = cast.identity("平")
    upload = begin_upload(session, ping, "教案.pdf", len(samples.pdf()), now=TODAY)
    monkeypatch.setattr(store._fs, "open", full)
    with pytest.raises(RuleViolation, match="存不下"):
        continue_upload(session, ping, store, upload.id, 0, samples.pdf(), now=TODAY)
    with pytest.raises(RuleViolation, match="存不下"):
        kept(session, cast, store)
    assert stored(tmp_path) == [] and count(session, Attachment) == 0
    monkeypatch.undo()
    assert continue_upload(session, ping, store, upload.id, 0, samples.pdf(), now=TODAY).arrived == len(samples.pdf())


# --- kept once --------------------------------------------------------------------------------------------------------


def test_the_same_file_twice_is_kept_once_under_both_names(session: Session, cast: Cast, store: FileStore, tmp_path: Path) -> None:
    first, second = kept(session, cast, store), kept(session, cast, store, "另一个名字.pdf", who="锐")
    assert first.blob_id == second.blob_id and len(stored(tmp_path)) == 1
    assert (first.name, second.name) == ("规划.pdf", "另一个名字.pdf")


def test_of_equal_files_that_come_at_once_one_is_kept(session: Session, cast: Cast, store: FileStore, factory: Any, tmp_path: Path) -> None:
    start, made = Barrier(4), []

    def send() -> None:
        with factory() as mine:
            start.wait()
            made.append(kept(mine, cast, store).blob_id)

    workers = [Thread(target=send) for _worker in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(made) == 4 and len(set(made)) == 1 and len(stored(tmp_path)) == 1


def test_bytes_that_were_lost_come_back_with_the_next_equal_file(session: Session, cast: Cast, store: FileStore) -> None:
    store.delete(kept(session, cast, store).blob.key)
    again = kept(session, cast, store)
    session.refresh(again.blob)
    assert store.has(again.blob.key)


# --- on a record ------------------------------------------------------------------------------------------------------


def test_files_are_attached_with_the_record_and_told_in_its_history(session: Session, cast: Cast, store: FileStore, north: School) -> None:
    ping, first, second = cast.identity("平"), kept(session, cast, store), kept(session, cast, store, "照片.png", samples.png())
    version = north.version
    settle(session, ping, north, "plans", [second.id, first.id])
    session.commit()
    assert [a.name for a in files_of(session, [north], "plans")[north.id]] == ["照片.png", "规划.pdf"]
    claim(session, ping, north, "plans", [first.id])
    release(session, ping, north, "plans", [second.id])
    session.commit()
    assert [a.name for a in files_of(session, [north])[north.id]] == ["规划.pdf"]
    assert north.version == version + 2, "whoever edits at the same time is told"
    with acting_as(SYSTEM):
        told = session.scalars(select(Change.changes).where(Change.table_name == "school", Change.act == "files").order_by(Change.id)).all()
    assert told == [{"plans": [[], ["照片.png", "规划.pdf"]]}, {"plans": [["照片.png", "规划.pdf"], ["规划.pdf"]]}]


def test_history_names_the_post_by_which_files_were_changed(session: Session, cast: Cast, store: FileStore, north: School) -> None:
    """Decision 0006: of several posts the one that writes the record, whichever workbench its holder sits at."""
    school = cast.identity("平")
    settle(session, replace(school, label="教师 · 南实验小学", posts=(school,)), north, "plans", [kept(session, cast, store).id])
    session.commit()
    with acting_as(SYSTEM):
        assert session.scalars(select(Change.post).where(Change.table_name == "school", Change.act == "files")).all() == [school.label]


def test_what_is_not_saved_is_not_attached_and_not_lost(session: Session, cast: Cast, store: FileStore, north: School) -> None:
    file = kept(session, cast, store)
    settle(session, cast.identity("平"), north, "plans", [file.id])
    session.rollback()
    assert files_of(session, [north])[north.id] == []
    assert attachment_for(session, cast.identity("平"), file.id).name == "规划.pdf"


def test_a_slot_takes_its_kinds_its_number_and_what_it_needs(session: Session, cast: Cast, store: FileStore, north: School) -> None:
    ping = cast.identity("平")
    video = kept(session, cast, store, "课堂.mp4", samples.MP4)
    three = [kept(session, cast, store, f"{n}.txt", str(n).encode()) for n in range(3)]
    for slot, ids, sentence in (
        ("plans", [video.id], "“课堂.mp4”是视频，这里不能上传这种文件。"),
        ("plans", [a.id for a in three], "“规划方案”最多 2 个文件。"),
        ("proof", [], "请上传“佐证材料”。"),
    ):
        with pytest.raises(RuleViolation, match=sentence) as refusal:
            settle(session, ping, north, slot, ids)
        assert refusal.value.field == slot
        session.rollback()


def test_only_ones_own_unclaimed_files_are_attached(session: Session, cast: Cast, store: FileStore, north: School) -> None:
    ping, rui = cast.identity("平"), cast.identity("锐")
    of_another = kept(session, cast, store, who="锐")
    with acting_as(rui):
        south = session.get_one(School, cast.school["南"])
        taken = kept(session, cast, store, who="锐")
        settle(session, rui, south, "plans", [taken.id])
        session.commit()
    for file in (of_another.id, taken.id, 10**6):
        with pytest.raises(RuleViolation, match="不是您上传的"):
            claim(session, ping, north, "plans", [file])
        session.rollback()
    assert [a.id for a in files_of(session, [south])[south.id]] == [taken.id]


def test_a_deleted_record_lets_go_of_its_files(session: Session, cast: Cast, store: FileStore, tmp_path: Path) -> None:
    with acting_as(SYSTEM):
        school = School(
            code="3135000077",
            name="将撤销的小学",
            region_id=cast.region["思明区"],
            area_type=session.get_one(School, cast.school["北"]).area_type,
        )
        session.add(school)
        session.flush()
        settle(session, cast.identity("平"), school, "plans", [kept(session, cast, store).id])
        session.commit()
        session.delete(school)
        session.commit()
        assert count(session, Attachment) == 0
        assert collect_files(session, store, now=TODAY) == 1 and stored(tmp_path) == []


def test_who_reaches_the_record_reaches_its_files(session: Session, cast: Cast, store: FileStore, north: School) -> None:
    file = kept(session, cast, store)
    for stranger in ("锐", "丹", "林"):
        with pytest.raises(OutOfReach):
            attachment_for(session, cast.identity(stranger), file.id)
    settle(session, cast.identity("平"), north, "plans", [file.id])
    session.commit()
    assert attachment_for(session, cast.identity("丹"), file.id).id == file.id
    for stranger in ("锐", "岚", "林"):
        with pytest.raises(OutOfReach):
            attachment_for(session, cast.identity(stranger), file.id)
    with pytest.raises(OutOfReach):
        discard(session, cast.identity("平"), file.id)


def test_a_closed_slot_is_given_only_to_who_holds_its_act_and_its_history_names_nothing(
    session: Session, cast: Cast, store: FileStore, north: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    """平 holds no act ``move`` on schools, which the province does."""
    monkeypatch.setattr(School, "__files__", (FileSlot("plans", "规划方案", act="move"),), raising=False)
    file = kept(session, cast, store)
    settle(session, cast.identity("平"), north, "plans", [file.id])
    session.commit()
    assert attachment_for(session, cast.identity("福"), file.id).id == file.id
    for stranger in ("平", "锐", "林"):
        with pytest.raises(OutOfReach):
            attachment_for(session, cast.identity(stranger), file.id)
    with acting_as(SYSTEM):
        [told] = session.scalars(select(Change.changes).where(Change.table_name == "school", Change.act == "files")).all()
    assert told == {"plans": [[], ["***"]]}
    monkeypatch.setattr(School, "__files__", (), raising=False)
    with pytest.raises(OutOfReach):
        attachment_for(session, cast.identity("福"), file.id)


def test_a_slot_may_not_be_called_like_a_field(monkeypatch: pytest.MonkeyPatch) -> None:
    check_slots(School)
    for names in (("name",), ("plans", "plans")):
        monkeypatch.setattr(School, "__files__", tuple(FileSlot(name, "文件") for name in names), raising=False)
        with pytest.raises(DeclarationError, match=f"slot like a field or another slot: {names[0]}, see docs/adding-a-table.md"):
            check_slots(School)


# --- collected --------------------------------------------------------------------------------------------------------


def test_only_what_nobody_refers_to_is_collected(session: Session, cast: Cast, store: FileStore, north: School, tmp_path: Path) -> None:
    ping = cast.identity("平")
    attached, waiting = kept(session, cast, store), kept(session, cast, store, "稍后.txt", b"later")
    settle(session, ping, north, "plans", [attached.id])
    session.commit()
    upload = begin_upload(session, ping, "断了.txt", 10, now=TODAY)
    continue_upload(session, ping, store, upload.id, 0, b"12345", now=TODAY)
    with acting_as(SYSTEM):
        assert collect_files(session, store, now=TODAY + timedelta(hours=23)) == 0
        assert len(stored(tmp_path)) == 3
        assert collect_files(session, store, now=TODAY + timedelta(days=3)) == 1
    assert [a.id for a in files_of(session, [north])[north.id]] == [attached.id]
    assert len(stored(tmp_path)) == 1 and store.has(attached.blob.key)
    with pytest.raises(OutOfReach):
        attachment_for(session, ping, waiting.id)


def test_a_number_is_never_given_twice(session: Session, cast: Cast, store: FileStore) -> None:
    """A browser remembers the upload it goes on with, and an old form the file it names."""
    ping = cast.identity("平")
    file, upload = kept(session, cast, store).id, begin_upload(session, ping, "甲.txt", 10, now=TODAY).id
    discard(session, ping, file)
    cancel_upload(session, ping, store, upload)
    assert kept(session, cast, store).id > file and begin_upload(session, ping, "乙.txt", 10, now=TODAY).id > upload


def test_bytes_without_a_row_are_collected_after_days(session: Session, store: FileStore) -> None:
    stray = store.write([b"a process died here"], area=FILES, now=TODAY)
    with acting_as(SYSTEM):
        collect_files(session, store, now=TODAY + timedelta(days=1))
        assert store.has(stray)
        collect_files(session, store, now=TODAY + timedelta(days=3))
    assert not store.has(stray)


def test_a_file_claimed_while_it_is_collected_stays_whole(
    session: Session, cast: Cast, store: FileStore, factory: Any, north: School
) -> None:
    """The collector and the save come at once, many times: either the save is refused, or the file is there with its bytes."""
    ping = cast.identity("平")
    for n in range(8):
        file = kept(session, cast, store, f"{n}.pdf", samples.pdf(f"Plan {n}"), now=TODAY - timedelta(days=2))
        start, outcome = Barrier(2), []

        def save(file_id: int = file.id, start: Barrier = start, outcome: list[str] = outcome) -> None:
            with acting_as(ping), factory() as mine:
                school = mine.get_one(School, north.id)
                start.wait()
                try:
                    settle(mine, ping, school, "plans", [file_id])
                    mine.commit()
                    outcome.append("saved")
                except RuleViolation:
                    mine.rollback()
                    outcome.append("refused")

        saver = Thread(target=save)
        saver.start()
        with acting_as(SYSTEM), factory() as collector:
            start.wait()
            collect_files(collector, store, now=TODAY)
        saver.join()
        [end] = outcome
        session.rollback()
        there = [a for a in files_of(session, [north], "plans")[north.id] if a.id == file.id]
        assert (end == "saved") == bool(there)
        assert all(store.has(a.blob.key) for a in there)


def test_equal_bytes_that_come_while_they_are_collected_are_there(session: Session, cast: Cast, store: FileStore, factory: Any) -> None:
    for n in range(8):
        old = kept(session, cast, store, content=samples.pdf(f"Plan {n}"))
        discard(session, cast.identity("平"), old.id)
        start, made = Barrier(2), []

        def send(n: int = n, start: Barrier = start, made: list[Attachment] = made) -> None:
            with factory() as mine:
                start.wait()
                made.append(kept(mine, cast, store, content=samples.pdf(f"Plan {n}")))

        sender = Thread(target=send)
        sender.start()
        with acting_as(SYSTEM), factory() as collector:
            start.wait()
            collect_files(collector, store, now=TODAY)
        sender.join()
        session.rollback()
        attachment = attachment_for(session, cast.identity("平"), made[0].id)
        session.refresh(attachment.blob)
        with store.open(attachment.blob.key) as file:
            assert file.read() == samples.pdf(f"Plan {n}")


# --- previews ---------------------------------------------------------------------------------------------------------


def test_a_word_document_is_shown_without_what_acts() -> None:
    body = (
        "<w:p><w:r><w:t>教学设计 &lt;script&gt;alert(1)&lt;/script&gt;</w:t></w:r></w:p>"
        '<w:p><w:hyperlink r:id="evil"><w:r><w:t>链接</w:t></w:r></w:hyperlink></w:p>'
    )
    html = docx_html(BytesIO(samples.docx(body)))
    assert "教学设计 &lt;script&gt;" in html and "链接" in html
    assert "<script" not in html and "javascript:" not in html


def test_a_zip_bomb_is_never_unpacked(monkeypatch: Any) -> None:
    large = samples.docx(**{"word__footnotes.xml": b"<w:p/>" * (3 * MB)}, word__media__noise=random.Random(1).randbytes(MB // 2))
    content = samples.docx(word__media__zeros=b"\0" * (40 * MB))
    monkeypatch.setattr("zipfile.ZipFile.open", lambda *_given, **_options: pytest.fail("it was unpacked"))
    for look in (check_bomb, docx_html):
        with pytest.raises(RuleViolation, match="解压后异常大（40 MB）"):
            look(BytesIO(content))
    with pytest.raises(RuleViolation, match=r"解压后异常大（18\.5 MB）"):
        check_bomb(BytesIO(large))


def test_a_broken_document_is_a_sentence() -> None:
    for content in (b"PK\3\4nonsense", samples.zipped(a=b"x"), samples.docx("<w:p><w:unclosed></w:p>")):
        with pytest.raises(RuleViolation, match="不能在浏览器里预览"):
            docx_html(BytesIO(content))


MANY = "&a;" * 1000
ENTITIES = (
    f'<!DOCTYPE x [<!ENTITY a "{"<w:p/>" * 1000}">]><w:document xmlns:w="{samples.WORD}"><w:body>{MANY}</w:body></w:document>'
).encode()
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
ELSEWHERE = f'<Relationships xmlns="{PACKAGE}"><Relationship Id="r1" Type="{OFFICE}" Target="word/media/a.png"/></Relationships>'.encode()


@pytest.mark.parametrize(
    "parts",
    [
        {"word__document.xml": ENTITIES},
        {"word__styles.xml": ENTITIES},
        {"word___rels__document.xml.rels": b"<!DOCTYPE x><x/>"},
        {"_rels__.rels": ELSEWHERE, "word__media__a.png": ENTITIES},
        {"_rels__.rels": ELSEWHERE, "word__media__a.png": ENTITIES.decode().encode("utf-16")},
        {"word__media__a.png": b"<x>" + b" <y/>" * (4 * MB)},
    ],
    ids=["document", "styles", "relations", "under another name", "in another encoding", "large under another name"],
)
def test_a_document_that_unfolds_within_its_xml_is_never_read(parts: dict[str, bytes], monkeypatch: Any) -> None:
    monkeypatch.setattr("subprocess.run", lambda *_given, **_options: pytest.fail("it was read"))
    content = BytesIO(samples.replaced(samples.docx(), noise=random.Random(1).randbytes(MB // 2), **parts))
    for look in (check_docx, docx_html):
        with pytest.raises(RuleViolation, match="不能在浏览器里预览"):
            look(content)


def test_a_document_with_pictures_and_parts_of_any_name_is_shown() -> None:
    parts = {
        "word__media__a.png": samples.png(),
        "customXml__item1.xml": b'<?xml version="1.0" encoding="iso-8859-1"?><x/>',
        "docProps__a": b"",
    }
    assert "教学设计" in docx_html(BytesIO(samples.docx(**parts)))


def picture(times: int, content: bytes) -> bytes:
    """A .docx that shows one picture so often."""
    kind = OFFICE.rpartition("/")[0]
    links = f'<Relationships xmlns="{PACKAGE}"><Relationship Id="p" Type="{kind}/image" Target="media/a.png"/></Relationships>'
    drawn = (
        '<w:p><w:r><w:drawing><wp:inline xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing">'
        '<a:graphic xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><a:graphicData>'
        '<pic:pic xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture"><pic:blipFill><a:blip r:embed="p"/></pic:blipFill></pic:pic>'
        "</a:graphicData></a:graphic></wp:inline></w:drawing></w:r></w:p>"
    )
    parts = {"word___rels__document.xml.rels": links.encode(), "word__media__a.png": content}
    return samples.replaced(samples.docx(drawn * times), **parts)


def test_what_is_made_of_a_document_has_a_length() -> None:
    content = samples.png() + random.Random(1).randbytes(MB)
    assert docx_html(BytesIO(picture(3, content))).count("data:image/png;base64,") == 3
    with pytest.raises(RuleViolation, match="不能在浏览器里预览"):
        docx_html(BytesIO(picture(30, content)))


def test_documents_take_turns_and_end_in_time(monkeypatch: Any) -> None:
    monkeypatch.setattr("rules.docx_page.SECONDS", 1)
    slow = samples.docx("<w:p/>" * 200_000, noise=random.Random(1).randbytes(MB // 2))
    with pytest.raises(RuleViolation, match="不能在浏览器里预览"):
        docx_html(BytesIO(slow))
    monkeypatch.setattr("rules.previews.OFFICE_SECONDS", 0.01)
    with _turn(), _turn(), pytest.raises(RuleViolation, match="正在为其他人准备预览"):
        docx_html(BytesIO(samples.docx()))
    monkeypatch.undo()
    assert "教学设计" in docx_html(BytesIO(samples.docx()))


def test_a_long_text_is_shown_from_its_beginning() -> None:
    text, is_whole = text_of(BytesIO(("好" * 200_000).encode()))
    assert not is_whole and set(text) <= {"好", "\ufffd"} and len(text) < 100_000
    assert text_of(BytesIO("旧文".encode("gb18030"))) == ("旧文", True)


def office(folder: Path, script: str) -> str:
    """A program that stands in for LibreOffice: ``$F`` is the folder it writes to."""
    program = folder / "soffice"
    program.write_text(f'#!/bin/sh\nwhile [ "$1" != "--outdir" ]; do shift; done\nF="$2"\n{script}\n', encoding="utf-8")
    program.chmod(0o755)
    return str(program)


def test_an_office_document_becomes_a_pdf_once(session: Session, cast: Cast, store: FileStore, tmp_path: Path) -> None:
    sheet = samples.zipped(**{"[Content_Types].xml": b"x", "xl__workbook.xml": b"x"})
    file, ping = kept(session, cast, store, "成绩.xlsx", sheet), cast.identity("平")
    program = office(tmp_path, f'echo run >> {tmp_path}/runs; printf "%%PDF-1.4" > "$F/document.pdf"')
    first = office_pdf(session, ping, store, file, program, now=TODAY)
    assert office_pdf(session, ping, store, attachment_for(session, ping, file.id), program, now=TODAY) == first
    assert (tmp_path / "runs").read_text() == "run\n" and store.open(first).read() == b"%PDF-1.4"
    discard(session, ping, file.id)
    with acting_as(SYSTEM):
        collect_files(session, store, now=TODAY)
    assert stored(tmp_path) == [], "the preview goes with its file"


def test_libreoffice_is_told_to_look_at_nothing_but_the_document(session: Session, cast: Cast, store: FileStore, tmp_path: Path) -> None:
    file, ping = kept(session, cast, store, "讲稿.odt", samples.odt("")), cast.identity("平")
    program = office(tmp_path, f'cp "$F/profile/user/registrymodifications.xcu" {tmp_path}/told; printf "%%PDF-1.4" > "$F/document.pdf"')
    office_pdf(session, ping, store, file, program, now=TODAY)
    told = ElementTree.parse(tmp_path / "told").getroot().iter("prop")
    values = {prop.attrib["{http://openoffice.org/2001/registry}name"]: prop.findtext("value") for prop in told}
    assert values["BlockUntrustedRefererLinks"] == values["DisableMacrosExecution"] == values["DisableActiveContent"] == "true"


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_a_hostile_document_shows_nothing_of_this_machine(session: Session, cast: Cast, store: FileStore, tmp_path: Path) -> None:
    """LibreOffice would embed a picture that lies on the server, or fetch one from its network."""
    (tmp_path / "secret.png").write_bytes(samples.png())
    document = samples.odt(samples.linked_picture(f"file://{tmp_path}/secret.png"))
    file, ping = kept(session, cast, store, "讲稿.odt", document), cast.identity("平")
    with store.open(office_pdf(session, ping, store, file, "soffice", now=TODAY)) as made:
        pdf = made.read()
    assert pdf.startswith(b"%PDF-") and b"/Image" not in pdf


def test_without_libreoffice_or_when_it_hangs_there_is_a_sentence(
    session: Session, cast: Cast, store: FileStore, tmp_path: Path, monkeypatch: Any
) -> None:
    file, ping = kept(session, cast, store, "旧稿.doc", bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600), cast.identity("平")
    monkeypatch.setattr("rules.previews.OFFICE_SECONDS", 1)
    for program in ("-", office(tmp_path, "exit 1"), office(tmp_path, "sleep 30")):
        with pytest.raises(RuleViolation, match="不能在浏览器里预览"):
            office_pdf(session, ping, store, file, program, now=TODAY)
