"""Who reviews whose summary: fair shares, nobody their own, and no two who review each other where that can be avoided (S0-121).

Pure. The members of the team stand in a ring, by id; a member's work is reviewed by those who come after them, up to half way round.
So of two members at most one reviews the other, however the work comes in and from three members on; within that, and for everybody
else's work, shares are as even as they can be. The one thing a newcomer gets wrong: ``already`` counts, so what is given one by one
is as even as what is given at once.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Work:
    """A summary to be reviewed: its id and its author, by teacher id."""

    id: int
    author: int


@dataclass(frozen=True)
class Given:
    """A summary that has its reviewer already, decided or not."""

    author: int
    reviewer: int


def assign(works: Iterable[Work], team: Collection[int], already: Iterable[Given] = ()) -> dict[int, int]:
    """Work id → reviewer, the same for the same input; what nobody but its author could review is left out."""
    shares = _Shares(sorted(set(team)), list(already))
    for work in sorted(works, key=lambda work: (len(shares.able(work.author)), work.id)):
        shares.give(work)
    shares.level()
    return shares.given


class _Shares:
    """What each member of the team has been given so far."""

    def __init__(self, ring: list[int], already: list[Given]) -> None:
        self.ring, self.place = ring, {member: n for n, member in enumerate(ring)}
        self.reviewed = {(given.author, given.reviewer) for given in already}
        self.load = Counter(dict.fromkeys(ring, 0))
        self.load.update(given.reviewer for given in already if given.reviewer in self.place)
        self.given: dict[int, int] = {}
        self.theirs: dict[int, dict[int, list[int]]] = {member: defaultdict(list) for member in ring}
        """Reviewer → author → works given here, which may still be given to another."""
        self._able: dict[int, list[int]] = {}

    def able(self, author: int) -> list[int]:
        """Who may review this author, in the order of the ring, those after the author first."""
        if author not in self._able:
            self._able[author] = self._find_able(author)
        return self._able[author]

    def _find_able(self, author: int) -> list[int]:
        if author not in self.place:
            return self.ring
        start, size = self.place[author], len(self.ring)
        others = [self.ring[(start + step) % size] for step in range(1, size)]
        not_back = [other for other in others if (other, author) not in self.reviewed]
        after = [other for other in not_back if self._comes_after(other, author)]
        return after or not_back or others

    def _comes_after(self, other: int, author: int) -> bool:
        """At most half way round the ring; of two who face each other, the one with the higher id."""
        size = len(self.ring)
        steps = (self.place[other] - self.place[author]) % size
        return 2 * steps < size or (2 * steps == size and other > author)

    def give(self, work: Work) -> None:
        """To whoever has least, the first of them in the order of the ring."""
        able = self.able(work.author)
        if able:
            self._hand(work.id, work.author, min(able, key=lambda member: self.load[member]))

    def _hand(self, work_id: int, author: int, reviewer: int) -> None:
        self.given[work_id] = reviewer
        self.theirs[reviewer][author].append(work_id)
        self.load[reviewer] += 1

    def level(self) -> None:
        """Pass work on, if need be through several hands, as long as that makes the shares more even."""
        while path := self._way_down():
            for giver, author, taker in path:
                work_id = self.theirs[giver][author].pop()
                if not self.theirs[giver][author]:
                    del self.theirs[giver][author]
                self.load[giver] -= 1
                self._hand(work_id, author, taker)

    def _way_down(self) -> list[tuple[int, int, int]]:
        """From somebody to somebody with at least two less: (giver, whose work, taker), the last one first."""
        least = min(self.load[member] for member in self.ring) if self.ring else 0
        for start in sorted(self.ring, key=lambda member: -self.load[member]):
            if self.load[start] < least + 2:
                break
            came: dict[int, tuple[int, int]] = {}
            queue, seen = deque([start]), {start}
            while queue:
                giver = queue.popleft()
                for author, taker in ((a, t) for a in sorted(self.theirs[giver]) for t in self.able(a) if t not in seen):
                    if taker in seen:
                        continue
                    seen.add(taker)
                    came[taker] = (giver, author)
                    if self.load[taker] <= self.load[start] - 2:
                        return _traced(came, start, taker)
                    queue.append(taker)
        return []


def _traced(came: Mapping[int, tuple[int, int]], start: int, end: int) -> list[tuple[int, int, int]]:
    path, taker = [], end
    while taker != start:
        giver, author = came[taker]
        path.append((giver, author, taker))
        taker = giver
    return path
