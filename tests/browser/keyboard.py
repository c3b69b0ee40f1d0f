"""Somebody who has no mouse: every step is a key, and wherever the focus comes, it is seen and nothing lies over it.

What is read off a page (a code, a count) is read by eye; what is done to it goes through ``Keyboard`` alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page

MOST = 200
"""As many presses of Tab as anybody has patience for on one page."""
FOCUS = """wanted => {
  const here = document.activeElement;
  if (!here || here === document.body || here === document.documentElement) return {there: false};
  const outlined = (part) => { const look = getComputedStyle(part); return (look.outlineStyle !== "none" && parseFloat(look.outlineWidth) > 0) || look.boxShadow !== "none"; };
  const signs = [here, here.closest(".ts-wrapper"), ...(here.labels || [])].filter((part) => part && outlined(part) && part.getClientRects().length);
  const open = (part) => {
    const box = part.getBoundingClientRect();
    const middle = (from, to, end) => (Math.max(from, 0) + Math.min(to, end)) / 2;
    const top = document.elementFromPoint(middle(box.left, box.right, innerWidth), middle(box.top, box.bottom, innerHeight));
    const label = top && top.closest("label");
    return Boolean(top) && (part.contains(top) || (label && label.control === here));
  };
  return {
    there: here === wanted, isSeen: here.matches(":focus-visible") && signs.length > 0, isOpen: signs.some(open),
    name: `${here.tagName} ${here.id || here.name || here.className} ${(here.innerText || "").slice(0, 30)}`,
  };
}"""

WITHIN = "box => { const here = document.activeElement; return box.contains(here) ? here.outerHTML : here.tagName; }"
"""What has the focus inside a dialog, else the kind of element that has it; none, the page itself, is between the last and the first."""


class Keyboard:
    """The keys of one person's keyboard, and what has the focus."""

    def __init__(self, person: Any) -> None:
        self.person = person
        self.page: Page = person.page
        self.keys = self.page.keyboard
        self.page.on("filechooser", lambda chooser: None)  # asked for in time: Enter would be quicker than the asking

    def sign_in(self, username: str, password: str) -> None:
        """The name is asked first: whoever arrives can type at once."""
        self.page.goto("/login/")
        self.keys.type(username)
        self.keys.press("Tab")
        self.keys.type(password)
        self.go("Enter")

    def go(self, key: str = "Enter") -> None:
        """Press what leads to another page."""
        with self.page.expect_navigation():
            self.keys.press(key)

    def to(self, wanted: Locator, key: str = "Tab") -> Keyboard:
        """Press Tab until ``wanted`` has the focus; it is seen all the way."""
        handle = wanted.element_handle()
        for _press in range(MOST):
            self.keys.press(key)
            focus = self.page.evaluate(FOCUS, handle)
            if focus.get("name"):
                assert focus["isSeen"], f"no sign of the focus on {focus['name']} of {self.page.url}"
                assert focus["isOpen"], f"something lies over {focus['name']} of {self.page.url}"
            if focus["there"]:
                return self
        return pytest.fail(f"{wanted} of {self.page.url} cannot be reached by {key}")

    def into_content(self) -> Keyboard:
        """The first Tab of a page shows the way past the menu."""
        self.to(self.page.locator(".skip-link"))
        self.keys.press("Enter")
        assert self.page.evaluate("document.activeElement.id") == "content"
        return self

    def menu(self, group: str, entry: str) -> Keyboard:
        """Open a page from the menu and go past the menu there."""
        within = self.page.locator(".menu > ul > li", has=self.page.locator("summary", has_text=group))
        self.to(within.locator("summary"))
        if within.locator("details").get_attribute("open") is None:
            self.keys.press("Enter")
        self.to(within.get_by_role("link", name=entry)).go()
        return self.into_content()

    def press(self, label: str) -> None:
        """A button or link of the page that leads to another."""
        self.to(self.page.locator("main").locator("a, button").filter(has_text=label).first).go()

    def fill(self, **values: str) -> Keyboard:
        """Type into fields in the order given, which is the order they stand in."""
        for name, value in values.items():
            self.to(self.page.locator(f"main [name={name}]:not([type=hidden])"))
            self.keys.type(value)
        return self

    def choose(self, name: str, text: str) -> None:
        """Type into a remote select and take the first answer; what alone can be chosen is chosen already."""
        box = self.page.locator(f"select[name={name}] + .ts-wrapper")
        self.to(box.locator("input"))
        if not box.locator(".item", has_text=text).count():
            self.keys.type(text)
            box.locator(".option", has_text=text).first.wait_for()
            self.keys.press("Enter")

    def hand_over(self, file: Path) -> None:
        """Open the dialog of the file input that has the focus, and choose there."""
        with self.page.expect_file_chooser() as chooser:
            self.keys.press("Enter")
        chooser.value.set_files(file)

    def stays_inside(self, dialog: Locator) -> None:
        """Neither Tab nor Shift+Tab leads to what lies behind an open dialog."""
        controls = dialog.locator("a:visible, button:visible, input:visible:enabled, textarea:visible").count()
        handle, reached = dialog.element_handle(), set()
        for key in ("Tab", "Shift+Tab"):
            for _press in range(controls + 3):
                self.keys.press(key)
                where = self.page.evaluate(WITHIN, handle)
                assert where == "BODY" or where.startswith("<"), f"the focus came out of the dialog, to {where}"
                reached.add(where)
        assert len(reached) > 1, "the focus does move"
