"""Two people on two threads: no page shows the other's filter or rows (fab-traps 4.5: stock views did on 70 % of pages)."""

from __future__ import annotations

import sys
import threading
from typing import Any

import pytest

ROUNDS = 600


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_1200_list_pages_by_two_people_at_once(client_of: Any, cast: Any) -> None:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    wrong: list[str] = []
    started = threading.Barrier(2)

    def look(name: str, own: str, other: str, word: str, foreign: str) -> None:
        browser = client_of(name)
        started.wait()
        for _round in range(ROUNDS):
            text = browser.get(f"/teacher/list/?q={word}").text
            if f'value="{word}"' not in text or f'value="{foreign}"' in text or own not in text or other in text:
                wrong.append(name)

    people = [("平", "35*****0028", "35*****0036", "梅", "菊"), ("锐", "35*****0036", "35*****0028", "菊", "梅")]
    threads = [threading.Thread(target=look, args=person) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(interval)
    assert not wrong, f"{len(wrong)} of {2 * ROUNDS} pages"
