"""Reviewers are given fairly: nobody their own, even shares, no two who review each other, and the same answer every time (S0-121)."""

from __future__ import annotations

import random
from collections import Counter
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from rules.assignment import Given, Work, assign

teams = st.sets(st.integers(1, 40), min_size=1, max_size=9)


@st.composite
def cases(draw: st.DrawFn, smallest: int = 1, largest: int = 9, most: int = 40) -> tuple[list[int], list[Work]]:
    """A team, and work of its members and of others."""
    team = sorted(draw(st.sets(st.integers(1, 40), min_size=smallest, max_size=largest)))
    authors = draw(st.lists(st.one_of(st.sampled_from(team), st.integers(100, 120)), max_size=most))
    return team, [Work(n, author) for n, author in enumerate(authors, start=1)]


def loads(team: list[int], chosen: dict[int, int]) -> list[int]:
    count = Counter(chosen.values())
    return sorted(count[member] for member in team)


def swaps(team: list[int], pairs: set[tuple[int, int]]) -> set[tuple[int, int]]:
    return {(a, b) for a, b in pairs if a < b and (b, a) in pairs}


@given(cases())
def test_nobody_reviews_their_own_and_all_else_is_given(case: tuple[list[int], list[Work]]) -> None:
    team, works = case
    chosen = assign(works, team)
    authors = {work.id: work.author for work in works}
    assert all(reviewer in team and reviewer != authors[work] for work, reviewer in chosen.items())
    assert set(authors) - set(chosen) == {work.id for work in works if team == [work.author]}


@given(cases(), st.randoms())
def test_the_same_input_gives_the_same_answer_in_whatever_order_it_comes(
    case: tuple[list[int], list[Work]], randomly: random.Random
) -> None:
    team, works = case
    mixed, turned = list(works), list(team)
    randomly.shuffle(mixed)
    randomly.shuffle(turned)
    assert assign(works, team) == assign(mixed, turned) == assign(works, set(team))


@given(cases(smallest=3))
def test_no_two_of_three_or_more_review_each_other(case: tuple[list[int], list[Work]]) -> None:
    team, works = case
    chosen = assign(works, team)
    assert not swaps(team, {(work.author, chosen[work.id]) for work in works})


@given(cases(smallest=3, most=15))
def test_given_one_by_one_no_two_review_each_other_either(case: tuple[list[int], list[Work]]) -> None:
    team, works = case
    already: list[Given] = []
    for work in works:
        already.append(Given(work.author, assign([work], team, already)[work.id]))
    assert not swaps(team, {(given.author, given.reviewer) for given in already})


@given(teams, st.integers(0, 60))
def test_the_work_of_others_is_shared_evenly(members: set[int], count: int) -> None:
    team = sorted(members)
    at_once = loads(team, assign([Work(n, 500 + n % 7) for n in range(count)], team))
    assert sum(at_once) == count and at_once[-1] - at_once[0] <= 1
    already: list[Given] = []
    for n in range(count):
        already.append(Given(500, assign([Work(n, 500)], team, already)[n]))
    one_by_one = Counter(given.reviewer for given in already)
    assert loads(team, {n: given.reviewer for n, given in enumerate(already)}) == at_once and set(one_by_one) <= set(team)


@given(cases(smallest=3, largest=4, most=5))
def test_no_other_distribution_among_those_who_may_have_the_work_is_more_even(case: tuple[list[int], list[Work]]) -> None:
    """Every way to give the work to those who may have it is tried; none has smaller sums of squares."""
    team, works = case
    chosen = assign(works, team)
    able = [sorted({r for r in team if assign([work], team, [Given(9999, m) for m in team if m != r]) == {work.id: r}}) for work in works]
    best = min(sum(n * n for n in Counter(way).values()) for way in product(*able))
    assert sum(n * n for n in Counter(chosen.values()).values()) == best


def test_work_of_the_team_and_of_others_together_comes_out_even() -> None:
    """The others' work fills up what the members' own leaves uneven."""
    works = [Work(n, author) for n, author in enumerate([1, 1, 1, 2, 50, 51, 52, 53, 54], start=1)]
    assert loads([1, 2, 3], assign(works, [1, 2, 3])) == [3, 3, 3]


def test_work_is_passed_on_through_several_hands_where_that_is_the_only_way() -> None:
    """What came first was given to 3, who alone of the two can take what comes from 2; it goes on to others."""
    already = [Given(60, 2), Given(60, 2)]
    chosen = assign([Work(1, 50), Work(2, 51), Work(3, 2), Work(4, 2)], [1, 2, 3], already)
    assert loads([1, 2, 3], chosen) == [0, 2, 2] and chosen[3] == chosen[4] == 3


def test_two_have_to_review_each_other_and_one_alone_nobody() -> None:
    assert assign([Work(1, 1), Work(2, 2)], [1, 2]) == {1: 2, 2: 1}
    assert assign([Work(1, 1), Work(2, 9)], [1]) == {2: 1}
    assert assign([Work(1, 1)], []) == {}


def test_whom_one_has_reviewed_before_the_team_changed_does_not_review_back() -> None:
    """1's work went to 3 while the ring was another; 3's own goes to somebody else."""
    assert assign([Work(1, 3)], [1, 2, 3], [Given(1, 3)])[1] == 2


def test_a_large_school_is_given_out_evenly() -> None:
    randomly = random.Random(7)
    works = [Work(n, randomly.randrange(1, 3000)) for n in range(9000)]
    shares = loads(list(range(1, 31)), assign(works, range(1, 31)))
    assert shares == [300] * 30
