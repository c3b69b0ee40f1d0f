"""A school's way over HTTP: from taking part in nothing to its opened research, each page, each refusal, nobody's but its own (S0-43…51)."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.hours import Programme
from models.people import CertificationState, Teacher
from models.research import ResearchGroup, SchoolProgramme, SchoolState
from tests.research_cast import GROUP, PROGRAMME

MAIN_BUTTON = re.compile(r'form-main btn-primary">([^<]*)<')
PAGES = ("/research/{pk}/", "/research/{pk}/begin", "/research/{pk}/team")


@pytest.fixture
def certified(cast: Any) -> None:
    """菊 is certified at South."""
    with Session(cast.engine) as session:
        session.execute(update(Teacher).where(Teacher.name == "菊").values(certification=CertificationState.PASSED))
        session.commit()


def programme_of(cast: Any) -> int:
    with Session(cast.engine) as session:
        return session.scalars(select(Programme.id).filter_by(name=PROGRAMME)).one()


def part_of(cast: Any, school: str) -> SchoolProgramme:
    with Session(cast.engine, expire_on_commit=False) as session:
        return session.scalars(select(SchoolProgramme).filter_by(school_id=cast.school[school])).one()


def upload(name: str) -> Any:
    return (io.BytesIO(b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"), name)


@pytest.mark.usefixtures("certified")
def test_from_no_participation_to_opened(cast: Any, client_of: Any) -> None:
    rui = client_of("锐")
    nothing = rui.get("/research/").text
    assert "本校还没有参加研修项目" in nothing and f"/school_programme/add?programme={programme_of(cast)}" in nothing
    assert "学校还没有参加研修项目" in client_of("菊").get("/research/").text
    rui.get("/school_programme/add")
    assert rui.post("/school_programme/add", programme=str(programme_of(cast)), school=str(cast.school["南"])).status_code == 303
    part = part_of(cast, "南")
    assert "下一步" in (home := rui.get("/research/").text) and "已提交 0 / 2 份" in home
    rui.get(f"/research/{part.id}/begin")
    refused = rui.post(f"/research/{part.id}/submit", confirmed="1")
    assert refused.status_code == 303
    assert "请先提交两案" in rui.get(refused.headers["Location"]).text

    version = rui.version(f"/school_programme/edit/{part.id}")
    plans = {"files.development_plan": "", "files.assessment_plan": ""}
    files = {"upload.development_plan": upload("规划方案.pdf"), "upload.assessment_plan": upload("考核方案.pdf")}
    saved = rui.post(f"/school_programme/edit/{part.id}", theme="读写融合", about="一主题\n三年", _version=version, **plans, **files)
    assert saved.status_code == 303, saved.text
    home = rui.get(f"/research/{part.id}/").text
    assert "规划方案.pdf" in home and "考核方案.pdf" in home and "已提交 2 / 2 份" in home

    page = rui.get(f"/research/{part.id}/team").text
    assert "菊" in page and "松" not in page
    rui.post(f"/research/{part.id}/team", teacher=str(cast.teacher["菊"]))
    assert "已有 1 名成员" in rui.get(f"/research/{part.id}/begin").text
    rui.get("/research_group/add")
    added = rui.post("/research_group/add", school_programme=str(part.id), name="南语文组", leader=str(cast.teacher["菊"]))
    assert added.status_code == 303, added.text
    page = rui.get(f"/research/{part.id}/begin").text
    assert "南语文组" in page and f"/research/{part.id}/submit" in page
    asked = rui.post(f"/research/{part.id}/submit")
    assert asked.status_code == 200 and "确定提交吗？" in asked.text and 'name="confirmed"' in asked.text
    assert part_of(cast, "南").state is SchoolState.PREPARING, "without scripts the question is a page (S0-49)"
    opened = rui.post(f"/research/{part.id}/submit", confirmed="1")
    assert opened.headers["Location"] == f"/research/{part.id}/"
    assert "进行中" in rui.get(f"/research/{part.id}/").text and part_of(cast, "南").state is SchoolState.OPEN
    assert "信息化团队至少保留一名成员" in _letting_go(rui, part.id)


@pytest.mark.usefixtures("certified")
def test_the_steps_lead_back_to_the_steps(cast: Any, client_of: Any) -> None:
    """S0-46…49: 开始 stands on the school's page until it has begun; what is filled in on the way leads back."""
    rui, programme = client_of("锐"), programme_of(cast)
    address = f"/school_programme/add?programme={programme}&from=begin"
    assert address.replace("&", "&amp;") in rui.get("/research/").text
    assert 'href="/research/"' in rui.get(address).text.split("form-buttons")[1]
    joined = rui.post(address, programme=str(programme), school=str(cast.school["南"]))
    part = part_of(cast, "南")
    begin = f"/research/{part.id}/begin"
    assert joined.headers["Location"] == begin
    assert f'href="{begin}"' in (head := rui.get(f"/research/{part.id}/").text.split("steps-list")[0]) and "开始" in head

    plans = f"/school_programme/edit/{part.id}?from=begin"
    assert plans in rui.get(begin).text
    assert rui.post(plans, theme="读写融合", _version=rui.version(plans)).headers["Location"] == begin
    assert f'href="{begin}"' in rui.get(f"/research/{part.id}/team").text
    group = f"/research_group/add?school_programme={part.id}&from=begin"
    assert group.replace("&", "&amp;") in rui.get(begin).text
    assert f'href="{begin}"' in rui.get(group).text
    assert _buttons(rui, group) == ["确认"], "开始 → 创建教研组 → 确认 → 提交 (S0-48)"
    assert _buttons(rui, "/research_group/add") == ["保存", "保存并继续新增"]
    sent = {"school_programme": str(part.id), "leader": str(cast.teacher["菊"])}
    assert rui.post(group, **sent, name="南语文组").headers["Location"] == begin
    assert "还没有组长" not in rui.get(begin).text
    twice = rui.post(group, **sent, name="南语文组")
    assert twice.status_code == 422 and MAIN_BUTTON.findall(twice.text) == ["确认"], "a refusal keeps the wizard's button"
    assert rui.post(group, **sent | {"leader": ""}, name="南数学组").headers["Location"] == begin
    assert "还没有组长" in rui.get(begin).text and "1 个教研组还没有组长" in rui.get(f"/research/{part.id}/").text
    listed = rui.get("/research_group/list/?only.without_leader=1").text
    assert "南数学组" in listed and "南语文组" not in listed
    assert "没有组长的教研组" in rui.get("/research_group/list/").text
    assert f'href="{begin}"' not in client_of("菊").get(f"/research/{part.id}/").text
    assert f'href="/research/{part_of(cast, "北").id}/begin"' not in client_of("平").get("/research/").text.split("steps-list")[0]


def _buttons(browser: Any, address: str) -> list[str]:
    """What the buttons at the foot of a form say."""
    return re.findall(r"<button[^>]*>([^<]*)</button>", browser.get(address).text.split("form-buttons")[1].split("</form>")[0])


def _letting_go(browser: Any, pk: int) -> str:
    page = browser.get(f"/research/{pk}/team").text
    post = page.split('name="remove" value="')[1].split('"')[0]
    asked = browser.post(f"/research/{pk}/team", remove=post)
    assert asked.status_code == 200 and "移出：菊" in asked.text and f'name="remove" value="{post}"' in asked.text
    browser.post(f"/research/{pk}/team", remove=post, confirmed="1")
    return str(browser.get(f"/research/{pk}/team").text)


def test_a_name_that_is_taken_stands_beside_its_field_with_the_form_kept(cast: Any, client_of: Any) -> None:
    """S0-48: a refusal loses nothing."""
    ping, part = client_of("平"), part_of(cast, "北")
    ping.get("/research_group/add")
    answer = ping.post("/research_group/add", school_programme=str(part.id), name=GROUP, about="说明文字")
    assert answer.status_code == 422 and "本校已有同名的教研组" in answer.text and "说明文字" in answer.text


def test_outsiders_are_answered_as_outsiders(cast: Any, client_of: Any) -> None:
    """404 out of reach, 403 without the act."""
    part = part_of(cast, "北")
    rui, lin, bamboo = client_of("锐"), client_of("林"), client_of("竹")
    for page in PAGES:
        assert rui.get(page.format(pk=part.id)).status_code == 404
    assert lin.get("/research/").status_code == 403
    assert bamboo.get(f"/research/{part.id}/").status_code == 200
    assert bamboo.get(f"/research/{part.id}/begin").status_code == 403
    for browser, status in ((rui, 404), (bamboo, 403)):
        browser.get("/research/")
        assert browser.post(f"/research/{part.id}/submit").status_code == status
        assert browser.post(f"/research/{part.id}/team", teacher="1").status_code == status
    dan = client_of("丹")
    assert dan.get(f"/research/{part.id}/begin").status_code == 403
    assert dan.get("/research/").headers["Location"] == "/school_programme/list/", "whoever is above all schools chooses one"
    assert 'href="/research/"' not in dan.get("/").text and 'href="/research/"' in bamboo.get("/").text
    assert bamboo.get("/research/999999/").status_code == 404


def test_the_theme_is_edited_by_the_school_alone(cast: Any, client_of: Any) -> None:
    """S0-51, S0-132."""
    part = part_of(cast, "北")
    for name in ("竹", "丹"):
        browser = client_of(name)
        assert "读写融合" in browser.get(f"/research/{part.id}/").text
        assert browser.get(f"/school_programme/edit/{part.id}").status_code in (403, 404)
        assert browser.post(f"/school_programme/edit/{part.id}", theme="改掉").status_code in (403, 404)
    ping = client_of("平")
    version = ping.version(f"/school_programme/edit/{part.id}")
    assert ping.post(f"/school_programme/edit/{part.id}", theme="大单元教学", _version=version).status_code == 303
    assert "大单元教学" in client_of("竹").get(f"/research/{part.id}/").text


def test_acceptance_shows_what_is_missing_to_both_sides(cast: Any, client_of: Any) -> None:
    """S1-49…52: the list stands on the record before applying and before deciding; who failed it says why."""
    ping, dan, part = client_of("平"), client_of("丹"), part_of(cast, "北")
    page, missing = ping.get(f"/school_programme/show/{part.id}").text, f"/school_programme/missing/{part.id}"
    assert "验收前还需完善" in page and f'data-late="{missing}?part=1"' in page and "请先提交两案" in page
    whole, alone = ping.get(missing).text, ping.get(f"{missing}?part=1").text
    assert "两案只提交了 0 / 2 份" in alone and alone in whole and "<html" in whole and "<html" not in alone
    with Session(cast.engine) as session:
        session.execute(update(SchoolProgramme).values(state=SchoolState.APPLIED, applied_by_id=cast.account["平"]))
        session.commit()
    page = dan.get(f"/school_programme/show/{part.id}").text
    assert "1 个教研组没有提交教学案例" in dan.get(missing).text and "验收不通过" in page
    assert "校本研修网络空间建设" in dan.get(f"/research/{part.id}/").text
    assert dan.post(f"/school_programme/do/fail/{part.id}", confirmed="1", comment="缺教学案例").status_code == 303
    for address in (f"/school_programme/show/{part.id}", f"/research/{part.id}/"):
        assert "缺教学案例" in ping.get(address).text
    assert "验收前还需完善" not in client_of("竹").get(f"/school_programme/show/{part.id}").text
    assert client_of("竹").get(missing).status_code == 403 and client_of("岚").get(missing).status_code == 404


def test_groups_are_made_and_members_managed_over_http(cast: Any, client_of: Any) -> None:
    """S0-74: several at once; who may only look sees no button."""
    with Session(cast.engine) as session:
        session.execute(update(Teacher).where(Teacher.name.in_(("兰", "竹"))).values(certification=CertificationState.PASSED))
        group = session.scalars(select(ResearchGroup.id).filter_by(name=GROUP)).one()
        session.commit()
    ping, address = client_of("平"), f"/research_group/members/{group}"
    assert "还没有成员" in ping.get(address).text
    ping.post(address, teacher=[str(cast.teacher[name]) for name in ("兰", "竹")])
    page = ping.get(address).text
    assert "共 2 名成员" in page and 'name="remove"' in page
    assert 'name="remove"' not in client_of("兰").get(address).text
    gone = re.findall(r'name="remove" value="(\d+)"', page)[0]
    assert "确定移出吗？" in ping.post(address, remove=gone).text and "共 2 名成员" in ping.get(address).text, "first the question"
    assert ping.post(address, remove=gone, confirmed="1").status_code == 303 and "共 1 名成员" in ping.get(address).text
    assert client_of("锐").get(address).status_code == 404
