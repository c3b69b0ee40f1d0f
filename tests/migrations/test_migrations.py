"""The migrations make exactly the declared tables, and go down and up again on tables with people in them."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, Sequence, func, inspect, select, text

from migrations.run import declared_metadata, downgrade, next_identifier, only_one, run_alembic, upgrade
from models.session import make_engine
from tests.cast import assemble, meet
from tests.databases import PostgresqlDatabases, SqliteFiles

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPTS = ScriptDirectory.from_config(Config(toml_file=str(ROOT / "pyproject.toml")))
REVISIONS = [script.revision for script in SCRIPTS.walk_revisions()]


Databases = SqliteFiles | PostgresqlDatabases


@pytest.fixture(params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest, sqlite_files: SqliteFiles, postgresql_databases: PostgresqlDatabases | None) -> Databases:
    found = sqlite_files if request.param == "sqlite" else postgresql_databases
    if found is None:
        pytest.skip("no PostgreSQL server answers")
    return found


@pytest.fixture
def empty_url(databases: Databases) -> Iterator[str]:
    """A database without a single table."""
    url = databases.blank()
    yield url
    databases.drop(url)


@pytest.fixture(scope="session")
def templates() -> Iterator[dict[tuple[Databases, bool], str]]:
    """Those that are copied for each test: migrated, without rows or with the cast in them."""
    made: dict[tuple[Databases, bool], str] = {}
    yield made
    for (databases, _filled), url in made.items():
        databases.drop(url)


def copied(databases: Databases, made: dict[tuple[Databases, bool], str], filled: bool) -> Iterator[Engine]:
    if (databases, filled) not in made:
        url = made[databases, filled] = databases.blank()
        upgrade(url)
        engine = make_engine(url)
        if filled:
            assemble(engine)
        engine.dispose()
    url = databases.copy(made[databases, filled])
    engine = make_engine(url)
    yield engine
    engine.dispose()
    databases.drop(url)


@pytest.fixture
def migrated(databases: Databases, templates: Any) -> Iterator[Engine]:
    """All tables, made by the migrations, without a row."""
    yield from copied(databases, templates, filled=False)


@pytest.fixture
def lived_in(databases: Databases, templates: Any) -> Iterator[Engine]:
    """The same with the cast in it."""
    yield from copied(databases, templates, filled=True)


def counts(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        return {table.name: connection.scalar(select(func.count()).select_from(table)) or 0 for table in declared_metadata().sorted_tables}


def test_autogenerate_finds_nothing(migrated: Engine) -> None:
    with only_one(migrated.url.render_as_string(hide_password=False)) as connection:
        run_alembic("check", connection)


def test_the_cast_lives_in_migrated_tables(migrated: Engine) -> None:
    """Sequences, checks and keys are those the models count on."""
    assemble(migrated)
    assert meet(migrated).identity("平").may("certify", "teacher")


def test_down_and_up_again_on_filled_tables(lived_in: Engine) -> None:
    url = lived_in.url.render_as_string(hide_password=False)
    before = counts(lived_in)
    assert min(before[table] for table in ("region", "school", "teacher", "ab_user", "post", "permission_code")) > 0
    lived_in.dispose()
    downgrade(url)
    assert set(inspect(lived_in).get_table_names()) == {"alembic_version"}
    upgrade(url)
    assert set(counts(lived_in).values()) == {0}
    assemble(lived_in)
    assert counts(lived_in) == before


@pytest.mark.parametrize("revision", REVISIONS[1:])
def test_each_step_down_and_up_leaves_what_it_does_not_own(lived_in: Engine, revision: str) -> None:
    url = lived_in.url.render_as_string(hide_password=False)
    before = counts(lived_in)
    lived_in.dispose()
    downgrade(url, revision)
    kept = [name for name in inspect(lived_in).get_table_names() if name in before]
    with lived_in.connect() as connection:
        left = {name: connection.scalar(select(func.count()).select_from(declared_metadata().tables[name])) for name in kept}
    assert left == {name: before[name] for name in kept}
    upgrade(url)
    assert counts(lived_in).keys() == before.keys()


def test_four_processes_may_start_at_once(empty_url: str) -> None:
    forked = multiprocessing.get_context("fork")
    declared_metadata()
    processes = [forked.Process(target=upgrade, args=(empty_url,)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0, 0]
    engine = make_engine(empty_url)
    assert set(counts(engine).values()) == {0}
    engine.dispose()


def test_a_migration_that_fails_leaves_nothing_behind(empty_url: str) -> None:
    with pytest.raises(ZeroDivisionError), only_one(empty_url) as connection:
        run_alembic("upgrade", connection, "head")
        raise ZeroDivisionError
    engine = make_engine(empty_url)
    assert inspect(engine).get_table_names() == []
    engine.dispose()


def test_names_and_paths_compare_byte_by_byte_on_postgresql(migrated: Engine) -> None:
    if migrated.dialect.name != "postgresql":
        pytest.skip("SQLite always compares so")
    query = text("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' AND collation_name = 'C'")
    with migrated.connect() as connection:
        bytewise = {tuple(row) for row in connection.execute(query)}
    paths = {(table.name, "scope_path") for table in declared_metadata().sorted_tables if "scope_path" in table.c}
    assert paths | {("teacher", "name"), ("school", "name"), ("school", "code")} <= bytewise


def test_every_sequence_the_models_name_exists(migrated: Engine) -> None:
    """Flask-AppBuilder names its sequences; the migrations make them as part of the columns."""
    if migrated.dialect.name != "postgresql":
        pytest.skip("SQLite has none")
    named = {
        column.default.name for table in declared_metadata().sorted_tables for column in table.c if isinstance(column.default, Sequence)
    }
    assert named <= set(inspect(migrated).get_sequence_names())


def with_lines(folder: Path, lines: str) -> None:
    """A copy of what migrates, with ``lines`` added to the model of the school."""
    for name in ("models", "migrations", "config.py", "pyproject.toml"):
        subprocess.run(["cp", "-r", str(ROOT / name), str(folder)], check=True)
    school = folder / "models" / "org.py"
    line = '    address: Mapped[Sentence | None] = field("地址")\n'
    source = school.read_text(encoding="utf-8")
    assert line in source
    school.write_text(source.replace(line, line + lines), encoding="utf-8")


def in_copy(folder: Path, *words: str, url: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DATABASE_URL": url, "DATA_DIR": str(folder / "var"), "APP_ENV": "test", "PYTHONPATH": str(folder)}
    return subprocess.run([sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True)


def test_a_new_column_is_one_command_away(tmp_path: Path) -> None:
    """``make migration`` finds a line added to a model, on a copy of the project."""
    with_lines(tmp_path, '    motto: Mapped[Name | None] = field("校训")\n')
    assert in_copy(tmp_path, "-m", "migrations.run", "revision", "add motto").returncode == 0
    (written,) = (tmp_path / "migrations" / "versions").glob("*_add_motto.py")
    text = written.read_text(encoding="utf-8")
    assert 'batch_alter_table("school"' in text and 'sa.Column("motto", bytewise(100), nullable=True)' in text
    assert 'drop_column("motto")' in text and text.count("add_column") == 1


@pytest.mark.parametrize(
    ("last", "now", "made"),
    [
        ("2026_11_23_1150", datetime(2026, 11, 23, 11, 51), "2026_11_23_1151"),
        ("2026_11_23_1150", datetime(2026, 11, 23, 11, 50), "2026_11_23_1151"),
        ("2026_11_23_1159", datetime(2026, 11, 23, 11, 59), "2026_11_23_1160"),
        ("2026_11_23_1160", datetime(2026, 11, 23, 11, 59), "2026_11_23_1161"),
        ("2026_11_23_1160", datetime(2026, 11, 24, 0, 1), "2026_11_24_0001"),
    ],
)
def test_two_migrations_of_one_minute_have_names_of_their_own(last: str, now: datetime, made: str) -> None:
    """They sort as they follow each other, also where somebody's clock is behind."""
    assert next_identifier(last, now) == made


def test_two_migrations_made_one_after_the_other_follow_each_other(tmp_path: Path) -> None:
    with_lines(tmp_path, '    motto: Mapped[Name | None] = field("校训")\n')
    for name in ("add motto", "nothing more"):
        made = in_copy(tmp_path, "-m", "migrations.run", "revision", name)
        assert made.returncode == 0, made.stderr[-2000:]
    first, second = (next((tmp_path / "migrations" / "versions").glob(f"*_{name}.py")) for name in ("add_motto", "nothing_more"))
    assert first.name < second.name and first.name[:15] in second.read_text(encoding="utf-8")


CHECK = "import sys; from migrations.run import only_one, run_alembic\nwith only_one(sys.argv[1]) as c: run_alembic('check', c)"


def test_a_new_column_that_may_not_be_empty_fills_the_rows_there(migrated: Engine, tmp_path: Path) -> None:
    url = migrated.url.render_as_string(hide_password=False)
    assemble(migrated)
    lines = (
        '    has_hall: Mapped[bool] = field("礼堂", default=False)\n'
        '    floors: Mapped[Count] = field("楼层", default=3)\n'
        '    slogan: Mapped[Name] = field("口号", default="it\'s 100% 好")\n'
        '    opens: Mapped[Name] = field("开放", default="周一:至周五 08:30, :now a::b")\n'
        '    second: Mapped[SchoolKind] = choice(SchoolKind, "另一类型", default=SchoolKind.OTHER)\n'
    )
    with_lines(tmp_path, lines)
    assert in_copy(tmp_path, "-m", "migrations.run", "revision", "halls").returncode == 0
    up = in_copy(tmp_path, "-m", "migrations.run", "upgrade", url=url)
    assert up.returncode == 0, up.stderr[-2000:]
    with migrated.connect() as connection:
        found = connection.execute(text("SELECT DISTINCT has_hall, floors, slogan, opens, second FROM school")).all()
    assert found == [(False, 3, "it's 100% 好", "周一:至周五 08:30, :now a::b", "other")]
    checked = in_copy(tmp_path, "-c", CHECK, url)
    assert checked.returncode == 0, checked.stderr[-2000:]
    down = in_copy(tmp_path, "-m", "migrations.run", "downgrade", REVISIONS[0], url=url)
    assert down.returncode == 0, down.stderr[-2000:]


def test_a_new_column_without_a_value_for_the_rows_there_is_refused(tmp_path: Path) -> None:
    with_lines(tmp_path, '    floors: Mapped[Count] = field("楼层")\n')
    told = in_copy(tmp_path, "-m", "migrations.run", "revision", "floors")
    assert told.returncode == 1
    assert told.stderr.strip().split("\n")[-1].startswith("school.floors: the rows that are there have no value for it")
    assert not list((tmp_path / "migrations" / "versions").glob("*_floors.py"))


def test_every_migration_is_named_by_its_moment() -> None:
    names = [Path(script.path).stem for script in SCRIPTS.walk_revisions()]
    assert names == sorted(names, reverse=True) and len(SCRIPTS.get_heads()) == 1


def test_what_a_removed_teacher_handed_in_waits_no_more_and_waits_again_on_the_way_back(migrated: Engine) -> None:
    url = migrated.url.render_as_string(hide_password=False)
    assemble(migrated)
    migrated.dispose()
    for state, void in (("pending", "submitted"), ("approved", "void")):
        downgrade(url, "2026_11_23_1180")
        with migrated.begin() as connection:
            assert connection.scalar(text("SELECT state FROM ability_summary")) == "submitted"
            connection.execute(text(f"UPDATE removal_request SET state = '{state}'"))
        migrated.dispose()
        upgrade(url)
        with migrated.connect() as connection:
            assert connection.scalar(text("SELECT state FROM ability_summary")) == void
        migrated.dispose()
    downgrade(url, "2026_11_23_1180")
    with migrated.connect() as connection:
        assert connection.scalar(text("SELECT state FROM ability_summary")) == "submitted"


def test_requests_and_files_of_the_signed_out_survive_the_way_back(migrated: Engine) -> None:
    """What the older tables cannot leave empty is filled in, and a request that waits for its phone waits again."""
    url = migrated.url.render_as_string(hide_password=False)
    assemble(migrated)
    with migrated.begin() as connection:
        connection.execute(text("UPDATE service_request SET unit_name = NULL, state = 'called', old_phone = '13850000001'"))
        connection.execute(text("INSERT INTO blob (sha256, size, key, created_at) VALUES ('a', 1, 'k', '2026-11-23')"))
        columns = "blob_id, name, kind, media_type, rank, uploaded_at"
        connection.execute(text(f"INSERT INTO attachment ({columns}) SELECT id, 'a.png', 'image', 'image/png', 0, created_at FROM blob"))
    migrated.dispose()
    downgrade(url, "2026_11_23_1150")
    with migrated.connect() as connection:
        assert connection.execute(text("SELECT DISTINCT unit_name, state FROM service_request")).all() == [("", "waiting")]
        assert connection.scalar(text("SELECT uploaded_by FROM attachment")) == 0
    upgrade(url)
    if migrated.dialect.name == "sqlite":
        with migrated.connect() as connection:
            made = connection.scalar(text("SELECT sql FROM sqlite_master WHERE name = 'attachment'"))
        assert "AUTOINCREMENT" in made, "a number once given to a file is never given to another"


def test_who_teaches_is_the_one_member_of_that_name_or_a_guest_and_a_name_again_on_the_way_back(migrated: Engine) -> None:
    """S1-12: 梅 leads the group; 平 is of the school and not of the group; an empty name stays empty."""
    url = migrated.url.render_as_string(hide_password=False)
    assemble(migrated)
    with migrated.begin() as connection:
        mei = connection.scalar(text("SELECT id FROM teacher WHERE name = '梅'"))
        columns = "role, account_id, school_id, scope_path, unit_name, since, source, created_at, updated_at, version"
        path = "SELECT 'group_leader', ab_user.id, NULL, research_group.scope_path, '组', '2026-11-01', 'school', '2026-11-01', '2026-11-01', 1"
        connection.execute(text(f"INSERT INTO post ({columns}) {path} FROM ab_user, research_group WHERE ab_user.teacher_id = {mei}"))
    migrated.dispose()
    for name, found in (("梅", (mei, None)), ("张老师", (None, "张老师")), ("竹", (None, "竹")), (None, (None, None))):
        downgrade(url, "2026_11_23_1190")
        with migrated.begin() as connection:
            connection.execute(text("UPDATE activity SET teaching_teacher = :name"), {"name": name})
        migrated.dispose()
        upgrade(url)
        with migrated.connect() as connection:
            assert connection.execute(text("SELECT teaching_teacher_id, guest_teacher FROM activity")).one() == found
        migrated.dispose()
        downgrade(url, "2026_11_23_1190")
        with migrated.connect() as connection:
            assert connection.scalar(text("SELECT teaching_teacher FROM activity")) == name
        migrated.dispose()
