"""The user's repositories on GitHub, found and chosen in the form, against a GitHub of one's own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import sites
from tests.browser.person import DEPLOY_MILLISECONDS, Person
from tests.engine.harness import Server
from tests.fake_github import FakeGithub, Token, serve

pytestmark = [pytest.mark.browser, pytest.mark.engine, pytest.mark.timeout(600)]

ANNS = "ghp_annannannann"
PAGE_SIZE = 30


@pytest.fixture
def github(tmp_path: Path) -> Iterator[FakeGithub]:
    with serve(tmp_path / "github") as github:
        github.tokens[ANNS] = Token("ann")
        shop = github.add(
            "ann/shop", {**sites.page("From GitHub"), "docs/index.html": "docs"}, description="Sells <b>things</b>"
        )
        shop.pushed_at = "2026-03-01T00:00:00Z"
        github.push("ann/shop", sites.page("From the next one"), branch="next")
        github.adopt("ann/secret", shop.bare, private=True, pushed_at="2026-02-01T00:00:00Z")
        yield github


@pytest.fixture
def ann(make_dashboard: Callable[..., Server], make_person: Callable[..., Person], github: FakeGithub) -> Person:
    server = make_dashboard(BUTLER_GITHUB_API_URL=github.url, BUTLER_ALLOWED_PRIVATE_HOSTS="127.0.0.1")
    return make_person(server)


def keep_token(person: Person, token: str = ANNS) -> None:
    assert person.client.put("/api/auth/github-token", json={"token": token}).status_code == 200


def browse(person: Person) -> Page:
    page = person.open("/")
    page.get_by_role("tab", name="From GitHub").click()
    return page


def rows(page: Page) -> Locator:
    return page.locator(".repos__row")


def test_without_a_token_the_way_to_one_is_shown(ann: Person) -> None:
    page = browse(ann)
    expect(page.get_by_role("link", name="Store a GitHub token")).to_have_attribute("href", "/account#github")
    expect(page.get_by_role("searchbox")).to_be_hidden()
    ann.assert_accessible("no token")


def test_a_token_that_has_expired_is_told_and_replaced(ann: Person, github: FakeGithub) -> None:
    keep_token(ann)
    github.tokens[ANNS].is_expired = True
    page = browse(ann)
    expect(page.get_by_role("alert")).to_contain_text("expired or was revoked")
    expect(page.get_by_role("link", name="Change the token")).to_have_attribute("href", "/account#github")
    ann.assert_accessible("a token that has expired")
    github.tokens[ANNS].is_expired = False
    browse(ann)
    expect(rows(page)).to_have_count(2)


def test_repositories_are_told_apart_searched_and_paged(ann: Person, github: FakeGithub) -> None:
    keep_token(ann)
    bare = github.repos["ann/shop"].bare
    for number in range(PAGE_SIZE):
        github.adopt(f"ann/old-{number:02}", bare, pushed_at=f"2024-01-{number + 1:02}T00:00:00Z")
    page = browse(ann)
    expect(rows(page)).to_have_count(PAGE_SIZE)
    expect(rows(page).first).to_contain_text("ann/shop")
    expect(rows(page).first).to_contain_text("Sells <b>things</b>")
    expect(rows(page).first).to_contain_text(re.compile("Python.*pushed"))
    expect(rows(page).first.locator(".badge")).to_have_count(0)
    expect(rows(page).filter(has_text="ann/secret").locator(".badge")).to_have_text("Private")
    ann.assert_accessible("repositories")
    page.get_by_role("button", name="Show more").click()
    expect(rows(page)).to_have_count(PAGE_SIZE + 2)
    expect(rows(page).nth(PAGE_SIZE).get_by_role("button")).to_be_focused()
    expect(page.get_by_role("button", name="Show more")).to_have_count(0)
    page.get_by_role("searchbox", name="Search your repositories").fill("secr")
    expect(rows(page)).to_have_count(1)
    expect(page.locator("[role=status].visually-hidden").last).to_have_text("1 repository found.")
    page.get_by_role("searchbox").fill("nothing like it")
    expect(page.locator(".empty", has_text="No repository matches")).to_be_visible()


def test_a_token_for_public_repositories_says_so(ann: Person, github: FakeGithub) -> None:
    github.tokens["ghp_publicpublic"] = Token("ann", scopes=("public_repo",))
    keep_token(ann, "ghp_publicpublic")
    page = browse(ann)
    expect(rows(page)).to_have_count(1)
    expect(page.get_by_text("Your token sees public repositories only.")).to_be_visible()
    assert "ann/secret" not in page.content()


def test_a_private_repository_is_chosen_with_one_of_its_branches_and_deployed(ann: Person, github: FakeGithub) -> None:
    keep_token(ann)
    page = browse(ann)
    page.get_by_role("button", name="Choose ann/secret").press("Enter")
    address = page.get_by_role("textbox", name="Git address")
    expect(address).to_have_value(f"{github.url}/ann/secret.git")
    branch = page.get_by_label("Branch or tag")
    expect(branch).to_be_focused()
    expect(branch).to_have_value("main")
    assert suggested(page, branch, 2) == ["main", "next"]
    folder = page.get_by_label("Folder")
    folder.focus()
    assert suggested(page, folder, 1) == ["docs"]
    branch.fill("next")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator(".plan")).to_contain_text("next at", timeout=60_000)
    page.get_by_role("button", name="Deploy", exact=True).click()
    page.wait_for_url("**/applications/*")
    expect(ann.badge("Live")).to_be_visible(timeout=DEPLOY_MILLISECONDS)
    app = ann.client.get("/deployments").json()[0]
    assert app["branch"] == "next"
    assert "From the next one" in page.request.get(app["deployed_url"]).text()
    assert ANNS not in page.content()


def suggested(page: Page, field: Locator, count: int) -> list[str]:
    """What a field offers to fill in, once so much of it has arrived."""
    options = page.locator(f"#{field.get_attribute('list')} option")
    expect(options).to_have_count(count)
    return [str(option.get_attribute("value")) for option in options.all()]
