"""From nothing to a live address and back, as somebody does it who has read nothing."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import sites
from tests.browser.person import DEPLOY_MILLISECONDS, PASSWORD
from tests.engine.harness import Repository, Server, objects_of

pytestmark = [pytest.mark.browser, pytest.mark.engine, pytest.mark.timeout(600)]


def test_from_registering_to_destroying(chromium: Browser, dashboard: Server, repository: Repository) -> None:
    repository.commit(sites.page("Open for business"), "Open the shop")
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(40_000)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    register(page, dashboard)
    deploy_with_a_preview(page, repository)
    name = page.url.split("/")[-1].partition("?")[0]
    expect(page.locator(".apphead .badge", has_text="Live")).to_be_visible(timeout=DEPLOY_MILLISECONDS)
    expect(page.locator(".log__row", has_text="Cloning the repository").first).to_be_visible()
    address = open_the_address(page, "Open for business")
    break_and_read_the_failure(page, repository, address)
    fix(page, repository, address)
    destroy(page, name)
    assert objects_of(dashboard, name)["containers"] == []
    context.close()
    assert not problems


def register(page: Page, dashboard: Server) -> None:
    page.goto(dashboard.base)
    page.get_by_role("link", name="Log in").first.click()
    page.get_by_role("link", name="Make an account").click()
    page.get_by_label("User name").fill("grace")
    page.get_by_label("E-mail").fill("grace@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name=re.compile("account", re.I)).click()
    expect(page.get_by_role("textbox", name="Git address")).to_be_visible()


def deploy_with_a_preview(page: Page, repository: Repository) -> None:
    page.get_by_role("textbox", name="Git address").fill(repository.url)
    page.get_by_role("button", name=re.compile("Preview")).click()
    expect(page.get_by_role("region", name="Preview")).to_contain_text("Static", timeout=60_000)
    page.get_by_role("button", name="Deploy", exact=True).dblclick()
    page.wait_for_url("**/applications/*")


def open_the_address(page: Page, text: str) -> str:
    link = page.locator(".apphead .address__link")
    with page.context.expect_page() as opened:
        link.click()
    expect(opened.value.locator("h1")).to_have_text(text)
    opened.value.close()
    return str(link.get_attribute("href"))


def break_and_read_the_failure(page: Page, repository: Repository, address: str) -> None:
    repository.commit({"Dockerfile": "FROM python:3.11-slim\nRUN cat no-such-file\n"}, "Tidy up")
    page.get_by_role("button", name="Redeploy").click()
    card = page.locator(".failure")
    expect(card).to_be_visible(timeout=DEPLOY_MILLISECONDS)
    expect(card).to_contain_text("Release 2: build failed")
    expect(card).to_contain_text("Release 1 still serves")
    expect(card.locator(".failure__line")).to_contain_text("no-such-file")
    expect(page.locator(".apphead .badge", has_text="Live")).to_be_visible()
    expect(page.locator(".apphead .badge", has_text="Last deploy: build failed")).to_be_visible()
    card.get_by_role("button", name="Show in the log").click()
    expect(page.locator(".log__row[data-linked]")).to_contain_text("no-such-file")
    assert page.request.get(address).status == 200


def fix(page: Page, repository: Repository, address: str) -> None:
    repository.git("rm", "--quiet", "Dockerfile")
    repository.commit(sites.page("Open again"), "Put the page back")
    page.get_by_role("button", name="Redeploy").click()
    expect(page.locator(".deployment__title")).to_have_text("Release 3")
    expect(page.locator(".failure")).to_have_count(0)
    expect(page.locator(".log__state").first).to_have_text("Ended", timeout=DEPLOY_MILLISECONDS)
    expect(page.locator(".apphead .badge")).to_have_text(["Live"])
    assert open_the_address(page, "Open again") == address
    page.get_by_role("tab", name="Releases").click()
    expect(page.locator("tr[data-release]")).to_have_count(3)
    expect(page.locator("tr[data-release='3']")).to_contain_text("Serving")


def destroy(page: Page, name: str) -> None:
    page.get_by_role("tab", name="Settings").click()
    page.get_by_role("button", name="Destroy this application").click()
    dialog = page.get_by_role("dialog")
    confirm = dialog.get_by_role("button", name="Destroy it")
    expect(dialog.get_by_role("textbox")).to_be_focused()
    expect(dialog).to_contain_text(name)
    expect(confirm).to_be_disabled()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.get_by_role("button", name="Destroy this application").click()
    page.keyboard.insert_text(name)
    expect(confirm).to_be_enabled()
    confirm.click()
    page.wait_for_url("**/applications", timeout=60_000)
    expect(page.get_by_role("heading", name="Nothing runs here yet")).to_be_visible()
