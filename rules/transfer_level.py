"""Who may move a school or a person from one region to another: the lowest level above both (Z-06, S3-138).

Across counties of a city it is the city, across cities the province, across provinces the operator. One rule over
materialised paths such as ``/350000/350200/350203/s17/`` replaces a list of cases by role. The one thing a newcomer
gets wrong: only regions decide, so what moves (s17, t42) is never its own mover, even within one county.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import takewhile

ROOT = "/"
PATH_SHAPE = re.compile(r"/(?:[^/\s]+/)*")
# Regions carry their six-digit code; schools, groups and teachers a letter before their number.
REGION_SEGMENT = re.compile(r"[0-9][0-9A-Za-z]*")


def level_that_may_move(from_path: str, to_path: str) -> str:
    """The path of the lowest region at or above both places; ``/``, the operator's, where they share no province.

    Either place may be named by its region's path or by that of a unit in it.
    """
    pairs = zip(_regions(from_path), _regions(to_path), strict=False)
    shared = [left for left, _ in takewhile(lambda pair: pair[0] == pair[1], pairs)]
    return ROOT + "".join(f"{region}/" for region in shared)


def may_move(actor_paths: Iterable[str], from_path: str, to_path: str) -> bool:
    """Whether one of the actor's posts stands at that level or above it (S3-138)."""
    level = _segments(level_that_may_move(from_path, to_path))
    posts = [_segments(path) for path in actor_paths]
    return any(level[: len(post)] == post for post in posts)


def _regions(path: str) -> list[str]:
    return list(takewhile(REGION_SEGMENT.fullmatch, _segments(path)))


def _segments(path: str) -> list[str]:
    # A path without its slashes would compare as the root or as a longer neighbour, and grant what it should not.
    if not PATH_SHAPE.fullmatch(path):
        raise ValueError("a path begins and ends with a slash")
    return path.strip("/").split("/") if path != ROOT else []
