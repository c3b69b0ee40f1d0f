"""An import judges every row like a form, writes all of it or nothing, and is not fooled by time (issue 2, Import)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, event, func, select, update
from sqlalchemy.orm import Session, sessionmaker

from models.access import Account, Post
from models.activities import Activity, OfflineForm
from models.fields import fields_of
from models.history import Change
from models.invariants import _on_added, on_added
from models.org import Region, School, Stage
from models.people import TAKEN, IdType, Teacher
from models.scoping import SYSTEM, Identity, acting_as
from models.violation import Conflict, RuleViolation
from rules import people, teacher_accounts, unit_invariants  # noqa: F401  (register what must hold)
from tests.cast import TEACHERS, Cast
from views.panel.excel.applying import WriteRefused, blame, write_lines
from views.panel.excel.csv_file import write_csv
from views.panel.excel.importing import Importer, Line, recognised_fields
from views.panel.excel.incoming import Incoming
from views.panel.excel.reader import open_sheet
from views.panel.excel.sheets import SheetRows, sheet_column, template_columns
from views.panel.excel.writer import write_xlsx

TEACHER = ("name", "id_type", "id_number", "phone", "title", "stage", "subject")
MEI = ("梅", "居民身份证", "350203198503120028", "13850000001", "一级教师", "小学", "语文")
NEW = ("新", "居民身份证", "11010519491231002X", "13800000099", "高级教师", "小学", None)


@dataclass
class Desk:
    """One person at an import."""

    session: Session
    identity: Identity

    def judge(self, *rows: Sequence[Any], model: type[Any] = Teacher, columns: Sequence[str] = TEACHER) -> list[Line]:
        with acting_as(self.identity):
            importer = Importer(self.session, self.identity, model, dict(enumerate(columns)), {})
            return list(importer.examine((number, list(row)) for number, row in enumerate(rows, 2)))

    def outcomes(self, *rows: Sequence[Any], **options: Any) -> list[str]:
        return [line.outcome for line in self.judge(*rows, **options)]

    def faults(self, *row: Any, **options: Any) -> dict[str, str]:
        [line] = self.judge(row, **options)
        assert bool(line.faults) == (line.outcome == "refused")
        return dict(line.faults)

    def write(self, lines: Sequence[Line], model: type[Any] = Teacher) -> None:
        with acting_as(self.identity):
            write_lines(self.session, model, lines)
            self.session.commit()


@pytest.fixture
def desk_of(cast: Cast, factory: sessionmaker[Any]) -> Iterator[Any]:
    with factory() as session:
        yield lambda name: Desk(session, cast.identity(name))


@pytest.fixture
def ping(desk_of: Any) -> Desk:
    """平, who administers North."""
    return desk_of("平")  # type: ignore[no-any-return]


def changed(row: Sequence[Any], **values: Any) -> tuple[Any, ...]:
    return tuple(values.get(name, cell) for name, cell in zip(TEACHER, row, strict=True))


def rows_of(cast: Cast, statement: Any) -> list[Any]:
    with Session(cast.engine) as session:
        return list(session.scalars(statement))


# --- what a row is ----------------------------------------------------------------------------------------------------


def test_a_row_is_new_changed_the_same_or_refused(ping: Desk) -> None:
    rows = (
        MEI,
        changed(MEI, id_number="35020319900501004X", phone="13850000002", name="兰", title="高级教师"),
        NEW,
        changed(NEW, id_number="1"),
    )
    same, change, new, refused = ping.judge(*rows)
    assert [same.outcome, change.outcome, new.outcome, refused.outcome] == ["same", "changed", "new", "refused"]
    assert (list(change.values), change.before) == (["title_id"], {"title": "一级教师"})
    assert new.values["id_number"] == "11010519491231002X" and "subject_id" not in new.values


def test_nothing_is_written_by_judging(ping: Desk, cast: Cast) -> None:
    ping.judge(NEW, changed(MEI, name="梅花"))
    ping.session.commit()
    assert {t.name for t in rows_of(cast, select(Teacher))} == set(TEACHERS)


def test_the_only_unit_in_reach_is_filled_in(ping: Desk, desk_of: Any, cast: Cast) -> None:
    [line] = ping.judge(NEW)
    assert (line.values["school_id"], line.path) == (cast.school["北"], cast.path["北"])
    for name, asked in (("平", False), ("运", True)):
        desk = desk_of(name)
        with acting_as(desk.identity):
            assert ("school" in [c.name for c in template_columns(desk.session, desk.identity, Teacher)]) == asked


def test_a_key_in_another_form_is_recognised(ping: Desk) -> None:
    """Full width, lower case and blanks are one person's number."""
    lan = changed(MEI, name="兰", id_number="35020319900501004X", phone="13850000002")
    for typed in ("35020319900501004x", " 35020319900501004X ", "３５０２０３１９９００５０１００４Ｘ"):
        [line] = ping.judge(changed(lan, id_number=typed))
        assert (line.outcome, line.values) == ("same", {})


def test_a_typed_number_is_only_text(ping: Desk) -> None:
    assert ping.faults(*changed(NEW, id_number=1.1010519491231e17))["id_number"].startswith("「证件号码」的数字太长")
    assert ping.outcomes(changed(MEI, phone=13850000001.0)) == ["same"]


def test_every_cell_is_blamed_in_its_own_sentence(ping: Desk) -> None:
    faults = ping.faults("坏", "居民身份证", "123", "138", "一级", "小学", "语文")
    assert set(faults) == {"id_number", "phone", "title"}
    assert "一级" in faults["title"] and "123" not in faults["id_number"]
    assert set(ping.faults(None, "身份证", "123", None, None, None, None)) == {"name", "id_type"}


def test_a_person_twice_in_the_file_is_an_error(ping: Desk) -> None:
    lines = ping.judge(NEW, NEW, MEI, changed(MEI, name="梅花"), changed(NEW, id_number="11010519491231002x"))
    assert [line.outcome for line in lines] == ["new", "refused", "same", "refused", "refused"]
    assert [dict(line.faults).get("id_number") for line in lines if line.faults] == [
        "与第 2 行的“证件号码”重复。",
        "与第 4 行的“证件号码”重复。",
        "与第 2 行的“证件号码”重复。",
    ]


def test_links_are_found_by_code_and_by_name(ping: Desk) -> None:
    assert ping.outcomes(changed(MEI, title="first", id_type="resident")) == ["same"]
    assert set(ping.faults(*changed(MEI, title="特级教师"))) == {"title"}


@pytest.mark.parametrize("word", ["集中备课", "集中备考", " 集中备考 ", "Joint lesson preparation"])
def test_a_choice_is_recognised_by_its_other_words_too(session: Session, app: Any, word: str) -> None:
    """Z-03: the manual writes both."""
    with app.app_context():
        assert Incoming(session, Activity, fields_of(Activity)["offline_form"], 0).value(word) is OfflineForm.PREPARATION


def test_reference_data_out_of_use_stays_but_is_not_chosen(ping: Desk, cast: Cast) -> None:
    with Session(cast.engine) as session:
        session.execute(update(IdType).values(is_active=True))
        session.execute(update(Stage).where(Stage.code == "primary").values(is_active=False))
        session.commit()
    assert ping.outcomes(MEI) == ["same"]
    assert set(ping.faults(*NEW)) == {"stage"}


def test_an_emptied_cell_clears_what_may_be_empty(ping: Desk) -> None:
    [line] = ping.judge(changed(MEI, title=None, phone=" "))
    assert (line.outcome, line.values) == ("changed", {"title_id": None, "phone": None})
    assert set(ping.faults(*changed(MEI, name=None))) == {"name"}


# --- what is closed ---------------------------------------------------------------------------------------------------


def test_a_masked_value_means_it_is_unchanged(ping: Desk) -> None:
    assert ping.outcomes(changed(MEI, phone="138****0001")) == ["same"]
    assert set(ping.faults(*changed(MEI, phone="138****0002"))) == {"phone"}
    assert set(ping.faults(*changed(NEW, phone="138****0099"))) == {"phone"}


def test_who_may_not_see_a_field_does_not_change_it(ping: Desk) -> None:
    hidden = frozenset(grant for grant in ping.identity.grants if grant[0] != "reveal")
    guest = Desk(ping.session, replace(ping.identity, grants=hidden))
    columns = ("name", "id_type", "id_number", "phone")
    # The number is the key: given in full it is a value this person may neither see nor confirm.
    assert set(guest.faults(*MEI[:4], columns=columns)) == {"id_number", "phone"}
    assert set(guest.faults(*changed(MEI, id_number="35*****0028", phone="138****0001"))) == {"id_number", "phone"}


@pytest.mark.parametrize(
    ("field", "cell", "outcome"),
    [
        ("certification", "认证通过", "same"),
        ("certification", "未认证", "refused"),
        ("certification", None, "same"),
        ("account_name", "350203198503120028", "same"),
        ("account_name", "35*****0028", "same"),
        ("account_name", "somebody", "refused"),
        ("school", "北实验小学", "same"),
        ("school", "3135000001", "same"),
        ("school", "南实验小学", "refused"),
        ("school", None, "same"),
        ("applied_at", "2026.11.20 10:00", "same"),
        ("applied_at", "2026.11.21 10:00", "refused"),
    ],
)
def test_what_services_write_is_compared_and_never_taken(ping: Desk, field: str, cell: Any, outcome: str) -> None:
    assert ping.outcomes((*MEI, cell), columns=(*TEACHER, field)) == [outcome]


def test_a_new_row_brings_no_state(ping: Desk) -> None:
    assert set(ping.faults(*NEW, "认证通过", columns=(*TEACHER, "certification"))) == {"certification"}


def test_what_certification_vouches_for_stays(ping: Desk) -> None:
    """S4-53, behind this door too: 梅 is certified, so her name may be corrected, her kind of document not."""
    assert ping.outcomes(changed(MEI, name="梅花")) == ["changed"]


# --- reach ------------------------------------------------------------------------------------------------------------


def test_somebody_elses_teacher_is_neither_changed_nor_shown(ping: Desk) -> None:
    ju = changed(MEI, name="菊花", id_number=TEACHERS["菊"][1], phone=TEACHERS["菊"][2])
    [line] = ping.judge(ju)
    assert (line.outcome, line.row_id, line.before) == ("refused", None, {})
    assert dict(line.faults) == {"id_number": TAKEN}, "what to do, not only that it is so"


def test_a_unit_out_of_reach_owns_nothing_new(ping: Desk, desk_of: Any) -> None:
    south, unknown = (ping.faults(*NEW, name, columns=(*TEACHER, "school")) for name in ("南实验小学", "没有的学校"))
    assert set(south) == set(unknown) == {"school"}
    assert south["school"].replace("南实验小学", "X") == unknown["school"].replace("没有的学校", "X")


def test_a_region_imports_schools_below_itself_only(desk_of: Any) -> None:
    dan = desk_of("丹")
    grants = dan.identity.grants | {(act, "school", path) for act, table, path in dan.identity.grants if table == "school"}
    columns = ("code", "name", "region")
    assert Desk(dan.session, replace(dan.identity, grants=grants)).outcomes(
        ("3135000009", "新实验小学", "思明区"),
        ("3135000010", "新新实验小学", None),
        ("3135000011", "别处小学", "湖里区"),
        ("3135000012", "上面小学", "厦门市"),
        ("3135000001", "北实验小学", "思明区"),
        ("3135000003", "湖实验小学", None),
        model=School,
        columns=columns,
    ) == ["new", "new", "refused", "refused", "same", "refused"]


def test_without_the_act_of_the_row_nothing_changes(ping: Desk) -> None:
    """Importing is no way around adding and editing."""
    for act, row in (("add", NEW), ("edit", changed(MEI, name="梅花"))):
        grants = frozenset(grant for grant in ping.identity.grants if grant[:2] != (act, "teacher"))
        assert Desk(ping.session, replace(ping.identity, grants=grants)).outcomes(row, MEI)[0] == "refused"


def test_many_to_many_cells_are_sets(desk_of: Any, cast: Cast) -> None:
    fu = desk_of("福")
    columns = ("code", "stages")
    assert fu.outcomes(("3135000001", "小学"), ("3135000002", "初中；小学"), ("3135000003", "大学"), model=School, columns=columns) == [
        "same",
        "changed",
        "refused",
    ]
    fu.write(fu.judge(("3135000002", "初中；小学"), ("3135000001", None), model=School, columns=columns), School)
    with Session(cast.engine) as session:
        found = {key: sorted(stage.code for stage in session.get_one(School, cast.school[key]).stages) for key in ("北", "南")}
    assert found == {"北": [], "南": ["junior", "primary"]}


# --- writing ----------------------------------------------------------------------------------------------------------


def test_what_was_judged_is_written_with_all_that_comes_with_it(ping: Desk, cast: Cast) -> None:
    ping.session.info["batch"] = "job-1"
    ping.write(ping.judge(NEW, changed(MEI, title="高级教师")))
    [xin] = rows_of(cast, select(Teacher).filter_by(name="新"))
    assert (xin.school_id, xin.scope_path, xin.account_name) == (cast.school["北"], f"{cast.path['北']}t{xin.id}/", "11010519491231002X")
    [account] = rows_of(cast, select(Account).filter_by(teacher_id=xin.id))
    assert account.first_name == "新" and rows_of(cast, select(Post).filter_by(account_id=account.id))
    lines = rows_of(cast, select(Change).where(Change.batch == "job-1").order_by(Change.id))
    assert [(c.act, c.post) for c in lines] == [("edit", "学校管理员 · 北实验小学"), ("add", "学校管理员 · 北实验小学")]
    assert ping.outcomes(NEW, changed(MEI, title="高级教师")) == ["same", "same"]


def test_more_rows_than_one_batch_are_one_transaction(ping: Desk, cast: Cast) -> None:
    rows = [changed(NEW, id_type="护照", id_number=f"E{number:08d}", phone=None) for number in range(2100)]
    lines = ping.judge(*rows)
    assert {line.outcome for line in lines} == {"new"}
    with acting_as(ping.identity):
        write_lines(ping.session, Teacher, lines)
    ping.session.rollback()
    assert len(rows_of(cast, select(Teacher.id))) == len(TEACHERS)
    ping.write(lines)
    assert len(rows_of(cast, select(Teacher.id))) == len(TEACHERS) + 2100


@pytest.mark.parametrize("meanwhile", ["edited", "deleted"])
def test_a_row_touched_meanwhile_stops_the_whole_import(ping: Desk, cast: Cast, meanwhile: str) -> None:
    lines = ping.judge(NEW, changed(MEI, title="高级教师", id_number=TEACHERS["竹"][1], phone=TEACHERS["竹"][2], name="竹"))
    with Session(cast.engine) as session:
        bamboo = Teacher.id == cast.teacher["竹"]
        session.execute(update(Account).where(Account.teacher_id == cast.teacher["竹"]).values(teacher_id=None))
        if meanwhile != "edited":
            forget_traces(session, cast.teacher["竹"])
        session.execute(
            update(Teacher).where(bamboo).values(version=Teacher.version + 1) if meanwhile == "edited" else delete(Teacher).where(bamboo)
        )
        session.commit()
    with pytest.raises((Conflict, WriteRefused)):
        ping.write(lines)
    ping.session.rollback()
    assert not rows_of(cast, select(Teacher).filter_by(name="新"))


def test_a_new_row_added_meanwhile_by_somebody_else_stops_it(ping: Desk, cast: Cast, factory: sessionmaker[Any]) -> None:
    lines = ping.judge(NEW, changed(NEW, id_type="护照", id_number="E00000001", name="又新", phone=None))
    with factory() as other:
        Desk(other, ping.identity).write(Desk(other, ping.identity).judge(NEW))
    with pytest.raises(WriteRefused, match="重复"):
        ping.write(lines)
    assert not rows_of(cast, select(Teacher).filter_by(name="又新"))


def forget_traces(session: Session, teacher_id: int) -> None:
    """Whatever hangs on a teacher goes first, past every rule."""
    for table in reversed(Teacher.metadata.sorted_tables):
        for column in table.columns:
            if table.name != "ab_user" and any(key.column is Teacher.__table__.c.id for key in column.foreign_keys):
                session.execute(delete(table).where(column == teacher_id))


@pytest.fixture
def no_zhao() -> Iterator[None]:
    """Somebody's follow-up that a dry run cannot foresee."""

    @on_added(Teacher)
    def refuse(session: Session, teachers: list[Teacher]) -> None:
        if any(teacher.name == "赵" for teacher in teachers):
            raise RuleViolation("“赵”不能新增。", "name")

    yield
    _on_added[Teacher].remove(refuse)


@pytest.mark.usefixtures("no_zhao")
def test_a_refusal_while_writing_names_its_row(ping: Desk, cast: Cast) -> None:
    lines = ping.judge(NEW, changed(NEW, id_type="护照", id_number="E00000001", name="赵", phone=None))
    assert {line.outcome for line in lines} == {"new"}
    with acting_as(ping.identity), pytest.raises(WriteRefused) as refused:
        write_lines(ping.session, Teacher, lines)
    with acting_as(ping.identity):
        blame(ping.session, Teacher, refused.value)
    assert [(line.outcome, line.faults) for line in lines] == [("new", []), ("refused", [("name", "“赵”不能新增。")])]
    assert len(rows_of(cast, select(Teacher.id))) == len(TEACHERS)


# --- how much it asks -------------------------------------------------------------------------------------------------


def test_the_number_of_statements_grows_with_batches_not_with_rows(ping: Desk, cast: Cast) -> None:
    def statements(count: int) -> int:
        seen: list[str] = []
        listen = lambda *args: seen.append(args[2])  # noqa: E731
        event.listen(cast.engine, "before_cursor_execute", listen)
        ping.judge(*(changed(NEW, id_type="护照", id_number=f"E{number:08d}", phone=None) for number in range(count)))
        event.remove(cast.engine, "before_cursor_execute", listen)
        return len(seen)

    assert statements(900) == statements(3)


# --- out and back -----------------------------------------------------------------------------------------------------

FREE = st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("\t\n 0+-=@'\"😀师０＝"), min_size=1, max_size=40)
NASTY = st.sampled_from(
    ["=1+1", "=cmd|'/c calc'!A1", "+86", "-1", "@SUM(A1)", "007", "1E5", "2026.11.23", "是", "　", "_x0041_", "<r>x</r>", "'=x", "一\n二"]
)
TEXTS = NASTY | FREE


@given(
    rows=st.lists(st.tuples(TEXTS, st.none() | TEXTS, st.none() | TEXTS, st.none() | TEXTS), min_size=1, max_size=6),
    kind=st.sampled_from(["xlsx", "csv"]),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_export_comes_back_as_no_change(desk_of: Any, cast: Cast, tmp_path: Path, rows: list[Any], kind: str) -> None:
    """Whatever is stored, however it got there: Chinese, emoji, leading zeros, formulas, tabs, line breaks."""
    operator = desk_of("运")
    with Session(cast.engine) as session:
        session.execute(delete(School).where(School.code.startswith("9")))
        region = session.get_one(Region, cast.region["350203"])
        for number, (name, address, contact, phone) in enumerate(rows):
            school = School(code=f"9{number}", name=name, address=address, contact_name=contact, contact_phone=phone, region_id=region.id)
            school.scope_path = f"{region.scope_path}x{number}/"
            session.add(school)
        session.commit()
    sheet = _exported(operator, School, tmp_path / f"out.{kind}", kind)
    fields = [f.name for f in recognised_fields(School, operator.identity)]
    lines = operator.judge(*(cells for _number, cells in sheet.rows()), model=School, columns=fields)
    assert [line.faults for line in lines if line.outcome != "same"] == []
    assert len(lines) == len(rows) + 4


def _exported(desk: Desk, model: type[Any], target: Path, kind: str) -> Any:
    fields = recognised_fields(model, desk.identity)
    with acting_as(desk.identity):
        sheet = SheetRows(desk.session, desk.identity, model, fields, {})
        cells = sheet.cells(desk.session.execute(select(*sheet.columns).order_by(model.id)).all())
    columns = [sheet_column(f) for f in fields]
    if kind == "csv":
        write_csv(target, columns, cells)
    else:
        write_xlsx(target, columns, cells, note=[], sheet_title="表")
    return open_sheet(target)


def test_moments_come_back_to_the_second(ping: Desk, cast: Cast, tmp_path: Path) -> None:
    with Session(cast.engine) as session:
        session.execute(update(Teacher).values(applied_at=cast.today + timedelta(seconds=29, microseconds=999_600)))
        session.commit()
    fields = [f.name for f in recognised_fields(Teacher, ping.identity)]
    for kind in ("xlsx", "csv"):
        sheet = _exported(ping, Teacher, tmp_path / f"t.{kind}", kind)
        assert {line.outcome for line in ping.judge(*(cells for _n, cells in sheet.rows()), columns=fields)} == {"same"}


def test_sheets_say_no_more_than_the_list(desk_of: Any, cast: Cast) -> None:
    """A region reads teachers without seeing their numbers in full."""
    dan = desk_of("丹")
    with acting_as(dan.identity):
        fields = [f for f in recognised_fields(Teacher, dan.identity) if f.name in ("id_number", "phone", "account_name", "school")]
        sheet = SheetRows(dan.session, dan.identity, Teacher, fields, {})
        rows = dan.session.execute(select(*sheet.columns).order_by(Teacher.id)).all()
        shown = {cell for row in sheet.cells(rows) for cell in row}
    assert "350203198503120028" not in shown and "13850000001" not in shown
    assert {"35*****0028", "138****0001", "北实验小学", "南实验小学"} <= shown and "湖实验小学" not in shown


def test_a_link_out_of_reach_is_no_name(cast: Cast, factory: sessionmaker[Any]) -> None:
    """A sheet names linked rows as far as its reader sees them: nothing leaks through a label."""
    ping = cast.identity("平")
    with factory() as session, acting_as(SYSTEM):
        south = session.scalar(select(func.count()).select_from(School).where(School.id == cast.school["南"]))
        assert south == 1
    with factory() as session, acting_as(ping):
        fields = [f for f in recognised_fields(Teacher, ping) if f.name == "school"]
        sheet = SheetRows(session, ping, Teacher, fields, {})
        assert sheet.cells([(1, "/", cast.school["南"]), (2, "/", cast.school["北"])]) == [(None,), ("北实验小学",)]
