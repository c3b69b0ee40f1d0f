"""A person at a browser, without the browser: keeps cookies, sends the form token with every POST."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Browser:
    """One person's client. Never share one between two people, and never use one inside an application context."""

    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()
        self.token = ""
        self._login: dict[str, str] = {}

    def sign_in(self, username: str, password: str) -> TestResponse:
        """Sign in over HTTP; fails the test when it does not work."""
        answer = self.try_sign_in(username, password)
        assert answer.status_code == 303, answer.text
        return answer

    def try_sign_in(self, username: str, password: str) -> TestResponse:
        self.get("/login/")
        answer = self.post("/login/", username=username, password=password)
        self.token, self._login = "", {"username": username, "password": password, "provider": "db"}
        vars(self).pop("bearer", None)
        return answer

    @cached_property
    def bearer(self) -> str:
        """The token of the API login, asked for when it is first needed; empty for whom the login refuses."""
        given = self.client.post("/api/v1/security/login", json=self._login)
        return given.json["access_token"] if given.status_code == 200 else ""

    def get(self, address: str, **options: Any) -> TestResponse:
        answer = self.client.get(address, **options)
        if answer.mimetype == "text/html":
            assert "Project-Id-Version" not in answer.text, f"{address} shows the head of a catalogue: something translates nothing"
            self.token = found[1] if (found := TOKEN.search(answer.text)) else self.token
        return answer

    def version(self, address: str) -> str:
        """The version of a record that its form at ``address`` carries."""
        found = re.search(r'name="_version" value="(\d*)"', self.get(address).text)
        assert found, address
        return found[1]

    def post(self, address: str, /, **form: Any) -> TestResponse:
        """POST a form with the token of the page looked at last, or of the first page after signing in."""
        if not self.token:
            self.get("/")
        return self.client.post(address, data={"csrf_token": self.token, **form})

    def api(self, method: str, address: str, body: str | None = None) -> TestResponse:
        """A REST call with the token of the API login."""
        headers = {"Authorization": f"Bearer {self.bearer}"} if self.bearer else {}
        return self.client.open(address, method=method.upper(), data=body, content_type="application/json", headers=headers)
