"""Tries are counted once each, whoever counts at the same time and whatever becomes of the verb (S0-07, Z-14)."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from models.access import Throttle
from models.org import Region, RegionLevel
from models.scoping import SYSTEM, acting_as
from rules.throttle import allowed, clear, hit, take_back

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
KEY = "bind:address:203.0.113.7"


def tries(session, key=KEY, *, limit=3, now=NOW):
    return hit(session, key, limit=limit, seconds=60, now=now)


def rows(factory):
    with acting_as(SYSTEM), factory() as session:
        return session.scalars(select(Throttle)).all()


def test_the_limit_is_the_last_try_that_is_admitted(factory):
    with factory() as session:
        assert [tries(session) for _ in range(5)] == [True, True, True, False, False]
        assert tries(session, "another")


def test_a_minute_after_the_first_try_counting_begins_anew(factory):
    with factory() as session:
        for _ in range(4):
            tries(session, now=NOW + MINUTE / 2)
        assert not tries(session, now=NOW + MINUTE * 1.5 - timedelta(microseconds=1))
        assert [tries(session, now=NOW + MINUTE * 1.5) for _ in range(4)] == [True, True, True, False]


def test_asking_is_no_try(factory):
    with factory() as session:
        assert all(allowed(session, KEY, limit=1, now=NOW) for _ in range(3))
        tries(session)
        assert not allowed(session, KEY, limit=1, now=NOW)
        assert allowed(session, KEY, limit=2, now=NOW)
        assert allowed(session, KEY, limit=1, now=NOW + MINUTE)


def test_a_rollback_of_the_verb_does_not_forget_the_try(factory):
    with factory() as session:
        tries(session)
        session.rollback()
        assert not allowed(session, KEY, limit=1, now=NOW)


def test_clearing_and_taking_back_are_part_of_the_verb(factory):
    with factory() as session:
        tries(session)
        tries(session)
        take_back(session, KEY)
        assert allowed(session, KEY, limit=2, now=NOW)
        clear(session, KEY)
        session.rollback()
        assert not allowed(session, KEY, limit=2, now=NOW)
        clear(session, KEY)
        take_back(session, KEY)
        session.commit()
    assert rows(factory) == []


def test_counting_after_a_change_is_a_mistake_that_is_told(factory):
    with acting_as(SYSTEM), factory() as session:
        session.add(Region(code="350000", name="福建省", level=RegionLevel.PROVINCE))
        with pytest.raises(RuntimeError, match="before anything is changed"):
            tries(session)


def test_no_address_stands_in_the_table(factory):
    with factory() as session:
        tries(session)
    [row] = rows(factory)
    assert (len(row.key), row.tries, row.until) == (64, 1, NOW + MINUTE)
    assert KEY not in row.key and "203.0.113.7" not in row.key


def test_counts_that_are_over_are_swept_when_new_ones_come(factory):
    with factory() as session:
        for n in range(5):
            tries(session, f"old {n}")
        tries(session, "still counting", now=NOW + MINUTE / 2)
        tries(session, "new", now=NOW + MINUTE)
    assert len(rows(factory)) == 2


def test_of_many_at_once_only_as_many_as_the_limit_are_admitted(factory):
    admitted, together = [], threading.Barrier(40)

    def one():
        with factory() as session:
            together.wait()
            admitted.append(tries(session, limit=10))

    threads = [threading.Thread(target=one) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (admitted.count(True), admitted.count(False)) == (10, 30)
    assert [row.tries for row in rows(factory)] == [40]
