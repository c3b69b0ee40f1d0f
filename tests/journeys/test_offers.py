"""What a person can never do to a row is not offered on it."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.access import Account, AccountState, PermissionCode, Post
from models.base import utcnow
from models.org import School, SchoolKind
from rules.grants import REGION_SPECIAL, REGION_SUPER, SCHOOL_ADMIN, TRAINING_EXPERT


def post_of(cast: Any, name: str, role: str = SCHOOL_ADMIN) -> int:
    with Session(cast.engine) as session:
        return session.scalars(select(Post.id).filter_by(account_id=cast.account[name], role=role)).one()


def offered(page: str, row: int, table: str = "post") -> set[str]:
    """The verbs whose buttons the page has for the row."""
    return {name for name in ("hand_over", "delegate", "end", "revoke") if f'formaction="/{table}/do/{name}/{row}"' in page}


def add(cast: Any, row: Any) -> int:
    with Session(cast.engine) as session:
        session.add(row)
        session.commit()
        return int(row.id)


@pytest.mark.parametrize(("name", "is_offered"), [("丹", False), ("福", True), ("运", True), ("平", False)])
def test_a_school_is_moved_by_who_has_somewhere_to_move_it(client_of: Any, cast: Any, name: str, is_offered: bool) -> None:
    """Z-06: a county has one region only, its own."""
    north = cast.school["北"]
    assert (f'href="/school/move/{north}"' in client_of(name).get(f"/school/show/{north}").text) is is_offered


def test_a_placeholder_is_moved_by_nobody(client_of: Any, cast: Any) -> None:
    with Session(cast.engine) as session:
        other = session.scalars(select(School.id).filter_by(kind=SchoolKind.OTHER)).first()
    if other is not None:
        assert f"/school/move/{other}" not in client_of("福").get(f"/school/show/{other}").text


def test_a_post_is_ended_from_above_only(client_of: Any, cast: Any) -> None:
    own, below = post_of(cast, "丹", "region_special"), post_of(cast, "平")
    county, province = client_of("丹"), client_of("福")
    for address in ("/post/list/", f"/post/show/{own}"):
        assert offered(county.get(address).text, own) == {"delegate"}, "one's own: neither replaced nor ended by oneself"
        assert offered(province.get(address).text, own) == {"hand_over", "delegate", "end"}
    assert offered(county.get("/post/list/").text, below) == {"hand_over", "delegate", "end"}
    assert offered(client_of("平").get(f"/post/show/{below}").text, below) == set()


def test_the_last_of_ones_own_posts_is_not_offered_for_ending(client_of: Any, cast: Any) -> None:
    own = post_of(cast, "福", REGION_SUPER)
    province = client_of("福")
    assert offered(province.get(f"/post/show/{own}").text, own) == {"hand_over", "delegate"}
    told = province.post(f"/post/do/end/{own}", confirmed="1", follow_redirects=True)
    assert "这是您唯一的岗位" in province.get(f"/post/show/{own}").text + told.text


def test_a_teachers_post_is_no_administrators(client_of: Any, cast: Any) -> None:
    teaching = post_of(cast, "梅", "teacher")
    assert offered(client_of("丹").get(f"/post/show/{teaching}").text, teaching) == set()


def test_a_substitute_does_not_end_the_post_they_stand_in_at(client_of: Any, cast: Any) -> None:
    origin, path = post_of(cast, "福", REGION_SUPER), cast.path["福建省"]
    stand_in = Post(
        account_id=cast.account["林"],
        role=REGION_SUPER,
        region_id=cast.region["福建省"],
        unit_name="福建省",
        scope_path=path,
        since=utcnow(),
    )
    stand_in.until, stand_in.delegate_of_id = utcnow() + timedelta(days=3), origin
    add(cast, stand_in)
    page = client_of("林").get("/post/list/").text
    assert offered(page, origin) == set()
    assert offered(page, post_of(cast, "平")) == {"hand_over", "delegate", "end"}


def test_a_code_is_voided_by_who_could_have_given_it(client_of: Any, cast: Any) -> None:
    code = PermissionCode(prefix="ABCD", digest=hashlib.sha256(b"x").hexdigest(), role=REGION_SUPER, unit_name="思明区")
    code.region_id, code.scope_path, code.expires_at = cast.region["思明区"], cast.path["思明区"], utcnow() + timedelta(days=7)
    number = add(cast, code)
    county = client_of("丹").get("/permission_code/list/").text
    assert "ABCD" in county and offered(county, number, "permission_code") == set()
    assert offered(client_of("福").get("/permission_code/list/").text, number, "permission_code") == {"revoke"}


ACCOUNT_ACTS = ("reset", "reset_by_sms", "disable", "unlock", "rebind_phone")


def acts_on(page: str, account: int) -> set[str]:
    return {name for name in ACCOUNT_ACTS if f'formaction="/account/do/{name}/{account}"' in page}


def test_an_administrators_password_is_reset_by_who_stands_above(client_of: Any, cast: Any) -> None:
    """S0-16…S0-19: offered to nobody whom the rule refuses, on the list as on the record."""
    ping, shuang, mei = (cast.account[name] for name in ("平", "双", "梅"))
    school, lake, province = client_of("平"), client_of("双"), client_of("福")
    for address in ("/account/list/?size=100", "/account/show/{}"):
        assert acts_on(school.get(address.format(mei)).text, mei) == {"reset", "reset_by_sms"}
        assert acts_on(school.get(address.format(ping)).text, ping) == set(), "one's own"
        assert acts_on(lake.get(address.format(shuang)).text, shuang) == set()
        assert acts_on(province.get(address.format(shuang)).text, shuang) == {"reset", "reset_by_sms", "disable"}
        assert acts_on(client_of("运").get(address.format(shuang)).text, shuang) == {"reset", "reset_by_sms", "disable", "rebind_phone"}


def test_nobody_shuts_out_who_stands_above(client_of: Any, cast: Any) -> None:
    """An administrator's account is looked after where they teach; it is switched off by who stands above their office alone."""
    add(cast, administering(cast, "榕", REGION_SPECIAL, "福建省"))
    rong = cast.account["榕"]
    city = client_of("远")
    for address in ("/account/list/?size=100", f"/account/show/{rong}"):
        assert acts_on(city.get(address).text, rong) == set()
    told = city.post(f"/account/do/disable/{rong}", confirmed="1", follow_redirects=True)
    assert "该账号是管理员账号，请由其上级超级管理员或客服办理。" in told.text + city.get(f"/account/show/{rong}").text
    assert "disable" in acts_on(client_of("福").get(f"/account/show/{rong}").text, rong)
    with Session(cast.engine) as session:
        assert session.get_one(Account, rong).state is AccountState.ACTIVE


def administering(cast: Any, name: str, role: str, region: str) -> Post:
    return Post(
        account_id=cast.account[name],
        role=role,
        region_id=cast.region[region],
        unit_name=region,
        scope_path=cast.path[region],
        since=utcnow(),
        contact_name=name,
    )


def test_the_operator_is_offered_no_page_of_a_teachers_own(client_of: Any) -> None:
    """Who may do everything belongs to no school: what a teacher hands in and takes part in is not theirs."""
    menu = client_of("运").get("/").text
    for address in ("/research/mine/", "/research/plan/", "/research/summaries/"):
        assert f'href="{address}"' not in menu
    assert 'href="/research/plan/"' in client_of("梅").get("/").text


def test_an_experts_post_is_found_and_ended(client_of: Any, cast: Any) -> None:
    """S0-18: with a confirmation; the person stays a teacher."""
    expert = Post(
        account_id=cast.account["梅"],
        role=TRAINING_EXPERT,
        region_id=cast.region["思明区"],
        unit_name="思明区",
        scope_path=cast.path["思明区"],
        since=utcnow(),
        contact_name="梅",
    )
    number = add(cast, expert)
    province = client_of("福")
    plain = province.get("/post/list/").text
    assert "/post/list/?only.experts=1" in plain and f"/post/show/{number}" not in plain
    team = province.get("/post/list/?only.experts=1").text
    assert offered(team, number) == {"end"} and "研训团队的专家" in team
    assert offered(client_of("丹").get("/post/list/?only.experts=1").text, number) == set(), "a special administrator appoints none"
    asked = province.post(f"/post/do/end/{number}")
    assert asked.status_code == 200 and "账号和其他岗位不受影响" in asked.text
    assert province.post(f"/post/do/end/{number}", confirmed="1").status_code == 303
    with Session(cast.engine) as session:
        assert session.get_one(Post, number).until is not None
    assert client_of("梅").get("/me/").status_code == 200
    assert "研训专家" in client_of("梅").get("/notices/").text
