"""内蒙古自治区 as the manual's 激活进度 page prints it, from 6557 school records (S3-45…S3-57).

The seven rows the manual prints are given; the cities and the league it leaves out make up the rest of its total. The one thing a
newcomer gets wrong: all of the 120 regions are covered, so the schools without an administrator are spread evenly and every
region keeps one that has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import accumulate

from models.org import School
from rules.demo.accounts import add_administrators
from rules.demo.regions import Place
from rules.demo.schools import Planned, Schools, ordinary_school

PROVINCE = "150000"
DIRECT = (Planned("内蒙古师范大学附属中学", ("初中", "高中")), Planned("内蒙古自治区实验幼儿园", ("幼儿园",)))
# City or league: (schools, of these with an administrator).
CITIES = {
    "150100": (560, 431),
    "150200": (321, 321),
    "150300": (104, 104),
    "150400": (1310, 962),
    "150500": (860, 643),
    "150600": (640, 497),
    "150700": (690, 690),
    "150800": (349, 349),
    "150900": (780, 588),
    "152200": (582, 582),
    "152500": (211, 210),
    "152900": (148, 119),
}
OF_THE_CITY = 2
"""市直属学校 of every city."""
FIRST_ADMINISTRATOR = 1001


def add_inner_mongolia(schools: Schools, places: Mapping[str, Place]) -> None:
    """Write the schools of the region and the administrators some of them have."""
    ids = iter(schools.writer.reserve(School, len(DIRECT) + sum(total for total, _ in CITIES.values())))
    activated = [schools.add(next(ids), places[PROVINCE], school) for school in DIRECT]
    for code, (total, active) in CITIES.items():
        shares = _shares(places, code, total)
        settled = [schools.add(next(ids), region, ordinary_school(region.name, n)) for region, count in shares for n in range(count)]
        activated += [school for n, school in enumerate(settled) if (n + 1) * active // total > n * active // total]
    add_administrators(schools.writer, activated, FIRST_ADMINISTRATOR)


def _shares(places: Mapping[str, Place], code: str, total: int) -> Iterator[tuple[Place, int]]:
    """How many schools belong to the city itself and to each of its counties, some larger, some smaller."""
    city = places[code]
    counties = [place for place in places.values() if place.parent_id == city.id]
    ends = list(accumulate(3 + int(county.code) % 5 for county in counties))
    yield city, OF_THE_CITY
    for before, end, county in zip([0, *ends], ends, counties, strict=False):
        yield county, end * (total - OF_THE_CITY) // ends[-1] - before * (total - OF_THE_CITY) // ends[-1]
