"""docs/adding-a-table.md, docs/changing-a-form.md and docs/changing-a-workflow.md, followed to the letter in a copy of the project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("app.py", "config.py", "models", "rules", "views", "migrations", "tests", "pyproject.toml")
CHECK = """
import json, sys
from io import BytesIO
from pathlib import Path
import models.rooms
from app import create_app
from config import Settings
from migrations.run import upgrade
from models.session import make_engine
from tests.cast import assemble, meet
from tests.clients import Browser
from tests.samples import png
from views.commands import TRANSLATIONS
from views.panel.doctor import examine
url = sys.argv[1]
upgrade(url)
engine = make_engine(url)
assemble(engine)
app = create_app(Settings(database_url=url, data_dir=Path(sys.argv[2]), secret_key="d" * 40, app_env="test", password_hash="pbkdf2:sha256:1000"))
cast = meet(engine)
ping, rui = Browser(app), Browser(app)
ping.sign_in(cast.username["平"], cast.password)
rui.sign_in(cast.username["锐"], cast.password)
north = str(cast.school["北"])
told = {}
told["add form"] = "座位数" in ping.get("/room/add").text
added = ping.post("/room/add", name="报告厅一", kind="lecture", seats="120", is_open="y", school=north)
told["added"] = added.status_code == 303
told["list"] = "报告厅一" in ping.get("/room/list/?f.kind=lecture&q=报告").text
told["facet"] = ping.get("/room/facets").json["kind"] == {"": 1, "lecture": 1, "computer": 0}
told["record and history"] = "座位数" in ping.get("/room/show/1").text and "新增" in ping.get("/room/show/1").text
told["own words"] = "登记教室" in ping.get("/room/list/").text and "修改</a>" in ping.get("/room/show/1").text
told["own word for sure"] = ">确认</button>" in ping.get("/room/delete/1").text
told["edit"] = ping.post("/room/edit/1", _version="1", name="报告厅一", kind="lecture", seats="90", is_open="y").status_code == 303
photo = {"files.photos": "", "upload.photos": (BytesIO(png()), "讲台.png")}
told["file box"] = "教室照片" in ping.get("/room/edit/1").text and "正门和讲台各一张" in ping.get("/room/edit/1").text
told["file kept"] = ping.post("/room/edit/1", _version="2", name="报告厅一", kind="lecture", seats="90", is_open="y", **photo).status_code == 303
file = ping.api("get", "/api/v1/room/1").json["result"]["files"]["photos"][0]
told["file shown"] = "讲台.png" in ping.get("/room/show/1").text and ping.get(file["url"]).data == png()
told["file of another school"] = rui.get(file["url"]).status_code == 404
told["export"] = "报告厅一" in ping.post("/room/export", scope="all", format="csv", columns="name").get_data(as_text=True)
told["template"] = ping.get("/room/import/template").status_code == 200
told["rest"] = ping.api("get", "/api/v1/room/1").json["result"]["seats"] == 90
told["view"] = "停用" in ping.get("/room/show/1").text
told["closed"] = ping.post("/room/do/close/1", confirmed="1").status_code == 303 and "/room/do/close/1" not in ping.get("/room/show/1").text
def state():
    return ping.api("get", "/api/v1/room/1").json["result"]["state"]
told["waits"] = state() == "waiting" and "检查通过" in ping.get("/room/show/1").text
ping.post("/room/do/fail/1", confirmed="1")
told["reason asked"] = state() == "waiting"
ping.post("/room/do/pass/1")
told["inspected"] = state() == "fit"
with app.app_context():
    left_out = list(examine(TRANSLATIONS, app.extensions["appbuilder"].baseviews))
told["doctor"] = left_out and all("has no English translation" in line for line in left_out)
told["outsider"] = rui.get("/room/show/1").status_code == 404 and "报告厅一" not in rui.get("/room/list/").text
told["outsider writes"] = rui.post("/room/edit/1", _version="3", name="越界", kind="lecture").status_code == 404
told["motto in the form"] = "校训" in ping.get(f"/school/edit/{north}").text
version = ping.version(f"/school/edit/{north}")
told["motto kept"] = ping.post(f"/school/edit/{north}", _version=version, name="北实验小学", kind="school", area_type="urban", motto="知行合一").status_code == 303
told["motto in REST"] = ping.api("get", f"/api/v1/school/{north}").json["result"].get("motto") == "知行合一"
told["delete"] = ping.post("/room/delete/1", confirmed="1").status_code == 303
told["file gone with its record"] = ping.get(file["url"]).status_code == 404
print(json.dumps([name for name, so in told.items() if not so], ensure_ascii=False))
"""


def block(page: str, marker: str) -> str:
    """The Python block of a documentation page that contains ``marker``."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.S)
    return next(text for text in blocks if marker in text)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the steps of both pages taken."""
    copy = tmp_path_factory.mktemp("project")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("vendor", "__pycache__"))
        else:
            shutil.copy(source, copy / name)
    rooms = copy / "models" / "rooms.py"
    rooms.write_text(block("adding-a-table.md", "class Room("), encoding="utf-8")
    insert(rooms, "from models.org import School", "from models.files import FileKind, FileSlot")
    insert(rooms, '    __owner__ = "school"', block("adding-a-table.md", "__files__").rstrip())
    insert(rooms, '    COMPUTER = "computer", "机房"', "\n\n" + block("changing-a-workflow.md", "class RoomState("))
    insert(rooms, "    is_open: Mapped", block("changing-a-workflow.md", "    state: Mapped").rstrip())
    extra = re.search(r"`(extra_acts=\(.*\))`", (ROOT / "docs" / "changing-a-workflow.md").read_text(encoding="utf-8"))
    assert extra
    insert(rooms, '        unit="间教室"', f"        {extra[1]},")
    words = re.findall(r'`((?:add|edit|delete_confirm)_label="[^"]+")`', (ROOT / "docs" / "changing-a-form.md").read_text(encoding="utf-8"))
    insert(rooms, '        unit="间教室"', f"        {', '.join(words)},")
    (copy / "views" / "rooms.py").write_text(block("adding-a-table.md", "class RoomView("), encoding="utf-8")
    imported, steps = block("changing-a-workflow.md", "INSPECTION = ").split("\n\n", 1)
    replace(copy / "rules" / "approvals.py", "from models.violation import", f"{imported}\nfrom models.violation import")
    replace(copy / "rules" / "approvals.py", "WORKFLOWS: tuple", f"{steps}\nWORKFLOWS: tuple")
    replace(copy / "rules" / "approvals.py", "    SCHOOL,\n    TOPIC,", "    INSPECTION,\n    SCHOOL,\n    TOPIC,")
    assert quoted("adding-a-table.md", "room") in quoted("changing-a-workflow.md", "room")
    replace(
        copy / "rules" / "grants.py",
        '"school": "read edit",',
        f'"school": "read edit",\n            "room": "{quoted("changing-a-workflow.md", "room")}",',
    )
    insert(
        copy / "models" / "org.py", '    address: Mapped[Sentence | None] = field("地址")', block("changing-a-form.md", "motto").rstrip()
    )
    run(copy, "-m", "migrations.run", "revision", "rooms and motto")
    return copy


def quoted(page: str, table: str) -> str:
    """The acts that a page grants on ``table``."""
    found = re.search(rf'`"{table}": "([^"]+)"`', (ROOT / "docs" / page).read_text(encoding="utf-8"))
    assert found
    return found[1]


def replace(file: Path, before: str, after: str) -> None:
    """Write ``after`` where ``before`` stands first."""
    source = file.read_text(encoding="utf-8")
    assert before in source
    file.write_text(source.replace(before, after, 1), encoding="utf-8")


def insert(file: Path, after: str, text: str) -> None:
    """Add ``text`` behind the line that begins with ``after``."""
    lines = file.read_text(encoding="utf-8").split("\n")
    place = next(n for n, line in enumerate(lines) if line.startswith(after))
    file.write_text("\n".join([*lines[: place + 1], text, *lines[place + 1 :]]), encoding="utf-8")


def run(copy: Path, *words: str) -> str:
    """Run Python in the copy, on a database of its own."""
    environment = {**os.environ, "DATA_DIR": str(copy / "var"), "DATABASE_URL": "", "PYTHONPATH": str(copy), "APP_ENV": "test"}
    done = subprocess.run([sys.executable, *words], cwd=copy, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_a_table_and_a_field_declared_by_the_book_have_everything(project: Path) -> None:
    (project / "check.py").write_text(CHECK, encoding="utf-8")
    assert run(project, "check.py", f"sqlite:///{project / 'book.db'}", str(project)).strip().split("\n")[-1] == "[]"


@pytest.mark.parametrize(
    ("declaration", "sentence"),
    [
        ("class Bad(Scoped, Record):\n    __tablename__ = 'bad'", "has no __screen__"),
        ("class Bad(Record):\n    __tablename__ = 'bad'\n    __screen__ = Screen('坏')", "does not say how its rows are reached"),
        (
            "class Bad(Scoped, Record):\n    __tablename__ = 'bad'\n    __screen__ = Screen('坏', list=('nothing',))",
            "names no field called nothing",
        ),
        (
            "from models.files import FileSlot\nclass Bad(Scoped, Record):\n    __tablename__ = 'bad'\n    __screen__ = Screen('坏')\n    __files__ = (FileSlot('version', '文件'),)",
            "names a slot like a field",
        ),
        (
            "from models.files import FileSlot\nclass Bad(Scoped, Record):\n    __tablename__ = 'bad'\n    __screen__ = Screen('坏')\n    __files__ = (FileSlot('photo', '照片', act='judge'),)",
            "asks for an act its screen does not name: judge",
        ),
    ],
)
def test_an_incomplete_declaration_does_not_load(declaration: str, sentence: str) -> None:
    program = f"from models.base import Record, Screen\nfrom models.scoping import Scoped\n{declaration}"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert sentence in done.stderr and "docs/adding-a-table.md" in done.stderr
