"""Somebody who uses the dashboard: a browser of their own, an account, and what the browser complained of."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import httpx2
from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, expect

from tests.engine.harness import ROOT, Client

PASSWORD = "a long enough password"
DEPLOY_MILLISECONDS = 240_000
_AXE = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
_WORK = re.compile(r"work (\d+) of")
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_STILL = """async () => {
    const moving = () => document.getAnimations().filter(
        ({ playState, effect }) => playState === 'running' && effect.getComputedTiming().endTime !== Infinity);
    while (moving().length) await Promise.allSettled(moving().map(({ finished }) => finished));
}"""
_KEEP = """({access_token, refresh_token, expires_in, user}) => {
    localStorage.setItem('butler.session', JSON.stringify({
        accessToken: access_token, refreshToken: refresh_token,
        expiresAt: Date.now() + expires_in * 1000, username: user.username,
    }));
    localStorage.setItem('butler.signed-in', '1');
}"""


class Person:
    """`client` is the same account over the API, to prepare and to compare with."""

    def __init__(self, context: BrowserContext, client: Client) -> None:
        self.context = context
        self.client = client
        self.problems: list[str] = []
        self.page = context.new_page()
        self.watch(self.page)

    @property
    def base(self) -> str:
        return self.client.server.base

    def watch(self, page: Page) -> None:
        """Note what must never happen on a page: an exception, or something that the content policy refused."""
        page.on("pageerror", lambda error: self.problems.append(f"exception: {error}"))
        page.on("console", self._noted)

    def log_in(self) -> None:
        """Be logged in without the form, which has a test of its own."""
        body = {"username": self.client.name, "password": PASSWORD}
        answer = httpx2.post(f"{self.base}/api/auth/login", json=body, trust_env=False)
        assert answer.status_code == 200, answer.text
        self.page.goto(f"{self.base}/login")
        self.page.evaluate(_KEEP, answer.json())

    def open(self, path: str) -> Page:
        self.page.goto(self.base + path)
        return self.page

    def open_app(self, name: str, *, tab: str = "", at: str = "") -> Page:
        """`at` is a line (`L12`), lines (`L12-L20`) or a step (`step-build`)."""
        self.open(f"/applications/{name}{f'?tab={tab}' if tab else ''}{f'#{at}' if at else ''}")
        expect(self.page.locator(".apphead__badges .badge").first).to_be_visible()
        return self.page

    def badge(self, word: str) -> Locator:
        return self.page.locator(".apphead .badge", has_text=word)

    def log_state(self, word: str | re.Pattern[str], *, timeout: float = DEPLOY_MILLISECONDS) -> None:
        expect(self.page.locator(".deployment .log__state")).to_have_text(word, timeout=timeout)

    def wait_for_work(self, number: int) -> None:
        """Wait until the build of `sites.slow` has come so far; its lines go by, so none of them is waited for itself."""
        deadline = time.monotonic() + DEPLOY_MILLISECONDS / 1000
        while time.monotonic() < deadline:
            texts = self.page.locator(".deployment .log__text").all_inner_texts()
            if any(int(found[1]) >= number for text in texts if (found := _WORK.match(text))):
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(f"the log never came to line {number} of the build")

    def begin(self, repository_url: str, **fields: str) -> str:
        """Begin a deployment without waiting for it; the app's name."""
        answer = self.client.post("/deploy", data={"git_url": repository_url, **fields}, headers=_ASYNC)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["container_name"])

    def violations(self) -> list[dict[str, Any]]:
        """What axe finds on the page once nothing fades in or out: half a fade has half the contrast."""
        self.page.evaluate(_STILL)
        self.page.evaluate(_AXE.read_text() + ";undefined")
        found = self.page.evaluate(
            "tags => axe.run({runOnly: tags, resultTypes: ['violations']}).then(result => result.violations)", _TAGS
        )
        return [
            {"rule": one["id"], "help": one["help"], "nodes": [node["html"][:160] for node in one["nodes"]][:3]}
            for one in found
        ]

    def assert_accessible(self, what: str) -> None:
        found = self.violations()
        assert not found, f"{what}: {json.dumps(found, indent=1)}"

    def _noted(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "Content Security Policy" in message.text:
            self.problems.append(message.text)


_ASYNC = {"Prefer": "respond-async"}
