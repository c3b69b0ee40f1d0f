"""提问答疑: teachers ask their school, schools their county, and so on up to the platform (S3-15, S3-19, S3-25, S3-29)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.access import Post
from models.org import Region, RegionLevel
from models.questions import Question, QuestionState
from models.scoping import SYSTEM, acting_as
from rules.questions import A_DAY
from tests.cast import TODAY, Cast
from tests.clients import Browser

Client = Callable[[str], Browser]
ASK = "/my-administrators/"


def asked(cast: Cast, title: str) -> Question:
    with Session(cast.engine) as session:
        return session.scalars(select(Question).filter_by(title=title)).one()


def ask(browser: Browser, title: str) -> Any:
    browser.get(ASK)
    return browser.post(ASK, title=title, description="")


def waiting_of(browser: Browser) -> int:
    """What the menu counts beside 提问答疑."""
    entry = re.search(r'href="/question/list/".*?</a>', browser.get("/notices/").text, re.S)
    assert entry
    number = re.search(r'class="menu-count">(\d+)', entry[0])
    return int(number[1]) if number else 0


@pytest.mark.parametrize(
    ("asker", "path", "answers"),
    [
        ("梅", "北", "平"),
        ("平", "思明区", "丹"),
        ("丹", "福建省", "福"),
        ("福", "", "运"),
        ("林", "", "运"),
    ],
)
def test_it_goes_to_the_nearest_administrator_above(cast: Cast, client_of: Client, asker: str, path: str, answers: str) -> None:
    """The city of 厦门 has nobody: the county's question goes on to the province."""
    who, above = client_of(asker), client_of(answers)
    before = waiting_of(above)
    assert ask(who, f"{asker}的问题").status_code == 303
    question = asked(cast, f"{asker}的问题")
    assert question.scope_path == (cast.path[path] if path else "/")
    assert waiting_of(above) == before + 1
    assert f"{asker}的问题" in above.get("/notices/").text
    assert above.post(f"/question/do/answer/{question.id}", comment="请先完善个人信息。", confirmed="1").status_code == 303
    assert waiting_of(above) == before
    told = above.get(f"/question/show/{question.id}").text.split("变更历史")[1]
    assert told.count("请先完善个人信息。") == 1 and "修改" not in told, "one line of history, and the answer once in it"
    page = who.get(ASK).text
    assert "请先完善个人信息。" in page and "已答复" in page
    assert f"“提问答疑”（{asker}的问题）的办理结果：答复。" in who.get("/notices/").text


def test_whoever_is_further_above_reads_but_is_not_reminded(cast: Cast, client_of: Client) -> None:
    county, province, other, next_door = (client_of(name) for name in ("丹", "福", "锐", "岚"))
    before = waiting_of(county), waiting_of(province)
    ask(client_of("梅"), "学时怎么算")
    assert (waiting_of(county), waiting_of(province)) == before
    question = asked(cast, "学时怎么算")
    assert "学时怎么算" in county.get(f"/question/show/{question.id}").text
    assert other.get(f"/question/show/{question.id}").status_code == 404
    assert next_door.get(f"/question/show/{question.id}").status_code == 404
    assert client_of("兰").get(f"/question/show/{question.id}").status_code == 403, "asked by somebody else; a teacher has no list"


def test_what_the_school_cannot_answer_is_passed_on(cast: Cast, client_of: Client) -> None:
    """Out of the hands of who passed it on, into those of the next with an administrator, and on to the platform at last."""
    ask(client_of("梅"), "证书打印不出来")
    question = asked(cast, "证书打印不出来")
    handed_on = f"/question/do/pass_on/{question.id}"
    for name, path in (("平", "思明区"), ("丹", "福建省"), ("福", "")):
        browser = client_of(name)
        browser.get("/question/list/")
        told = browser.post(handed_on, confirmed="1")
        assert told.headers["Location"].endswith("/question/list/"), "its page is no longer theirs"
        assert asked(cast, question.title).scope_path == (cast.path[path] if path else "/")
        assert browser.get(f"/question/show/{question.id}").status_code == 404
    last = client_of("运")
    last.get("/question/list/")
    refused = last.post(handed_on, confirmed="1", follow_redirects=True)
    assert "已经没有上级" in client_of("运").get(f"/question/show/{question.id}").text or "已经没有上级" in refused.text
    assert asked(cast, question.title).state is QuestionState.PASSED_ON


def test_nobody_answers_their_own(cast: Cast, client_of: Client) -> None:
    """双 teaches at Lake and is its only administrator: the teacher's question goes to the county at once."""
    shuang = client_of("双")
    shuang.post("/workbench/personal")
    assert ask(shuang, "自问").status_code == 303
    assert asked(cast, "自问").scope_path == cast.path["湖里区"]
    with Session(cast.engine) as session:
        session.execute(update(Question).where(Question.title == "自问").values(scope_path=cast.path["湖"]))
        session.commit()
    office = client_of("双")
    office.get("/question/list/")
    told = office.post(f"/question/do/answer/{asked(cast, '自问').id}", comment="自答", confirmed="1")
    assert told.status_code in (303, 422)
    assert asked(cast, "自问").state is QuestionState.WAITING


def test_who_is_above_does_not_pass_on_what_is_in_others_hands(cast: Cast, client_of: Client) -> None:
    ask(client_of("梅"), "还在学校手里")
    province = client_of("福")
    province.get("/question/list/")
    number = asked(cast, "还在学校手里").id
    province.post(f"/question/do/pass_on/{number}", confirmed="1")
    assert asked(cast, "还在学校手里").scope_path == cast.path["北"]
    assert "不能代为转交" in province.get(f"/question/show/{number}").text
    province.post(f"/question/do/answer/{number}", comment="省里先答复。", confirmed="1")
    assert asked(cast, "还在学校手里").state is QuestionState.ANSWERED


def test_a_school_without_an_administrator_leaves_nobody_waiting(cast: Cast, client_of: Client) -> None:
    mei = client_of("梅")
    with Session(cast.engine) as session:
        session.execute(update(Post).where(Post.account_id == cast.account["平"]).values(until=TODAY))
        session.commit()
    county, before = client_of("丹"), waiting_of(client_of("丹"))
    assert before == 1, "what had been asked before, and nobody is there to answer"
    ask(mei, "学校没有管理员")
    assert asked(cast, "学校没有管理员").scope_path == cast.path["思明区"]
    assert waiting_of(county) == 2


def test_nothing_typed_is_lost_and_nobody_floods_the_desk(cast: Cast, client_of: Client) -> None:
    mei = client_of("梅")
    mei.get(ASK)
    assert mei.post(ASK, title="\u200b", description="").status_code == 422, "nothing to see"
    empty = mei.post(ASK, title="", description="说明写好了")
    assert empty.status_code == 422 and "说明写好了" in empty.text and "请填写此项" in empty.text
    for number in range(A_DAY):
        assert ask(mei, f"第{number}问").status_code == 303
    late = ask(mei, "又一问")
    assert late.status_code == 422 and "今天提问太多了" in late.text


def test_a_unit_that_goes_leaves_its_questions_to_the_platform(cast: Cast, factory: Any) -> None:
    """A database may give its number to another unit, which must not find them."""
    with acting_as(SYSTEM), factory() as session:
        city = Region(code="350900", name="宁德市", level=RegionLevel.CITY, parent_id=cast.region["福建省"])
        session.add(city)
        session.flush()
        session.add(Question(title="没有管理员的市", asker="兰", scope_path=city.scope_path))
        session.commit()
        session.delete(city)
        session.commit()
    assert asked(cast, "没有管理员的市").scope_path == "/"
    assert asked(cast, "兰问认证要多久").scope_path == cast.path["北"]
