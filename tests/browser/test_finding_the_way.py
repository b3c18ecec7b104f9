"""Finding one's way in the dashboard: the pages of a long list, keys that lead elsewhere, and the palette."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser import sites
from tests.browser.person import Person
from tests.engine.harness import Repository

pytestmark = [pytest.mark.browser, pytest.mark.engine, pytest.mark.timeout(600)]


def shown(page: Page) -> list[str]:
    return page.locator(".app__link").all_inner_texts()


def test_a_long_list_has_pages_that_stand_in_the_address(
    person: Person, make_repository: Callable[[str], Repository]
) -> None:
    for number in range(1, 24):
        made = make_repository(f"app-{number:02}")
        made.commit({"notes.txt": "nothing that could be deployed"})
        assert person.client.post("/deploy", data={"git_url": made.url}).status_code == 422
    page = person.open("/applications?sort=name")
    expect(page.locator(".app")).to_have_count(20)
    expect(page.locator(".pager__words")).to_have_text("Page 1 of 2")
    assert (shown(page)[0], shown(page)[-1]) == ("octo/app-01", "octo/app-20")
    page.get_by_role("button", name="Next").click()
    expect(page.locator(".app__link")).to_have_text(["octo/app-21", "octo/app-22", "octo/app-23"])
    assert page.url.endswith("?sort=name&page=2")
    person.assert_accessible("the second page of the list")
    page.reload()
    expect(page.locator(".app")).to_have_count(3)
    page.locator(".app__link").first.click()
    page.wait_for_url("**/applications/*")
    page.go_back()
    expect(page.locator(".pager__words")).to_have_text("Page 2 of 2")
    page.get_by_role("button", name="Previous").click()
    expect(page.locator(".app")).to_have_count(20)
    page.go_back()
    expect(page.locator(".app")).to_have_count(3)
    page.get_by_role("searchbox").fill("app-1")
    expect(page.locator(".app")).to_have_count(10)
    assert "page" not in page.url and "q=app-1" in page.url
    expect(page.locator(".pager")).to_be_hidden()
    page = person.open("/applications?status=failed&page=9")
    expect(page.locator(".pager__words")).to_have_text("Page 2 of 2")


def test_keys_lead_to_every_page(person: Person) -> None:
    page = person.open("/account")
    page.get_by_role("heading", name="Profile").wait_for()
    page.keyboard.press("g")
    page.keyboard.press("a")
    page.wait_for_url("**/applications")
    page.get_by_role("heading", name="Nothing runs here yet").wait_for()
    page.keyboard.press("n")
    page.wait_for_url("**/#deploy")
    expect(page.get_by_role("textbox", name="Git address")).to_be_focused()
    page.keyboard.type("g a ? n")
    expect(page.get_by_role("textbox", name="Git address")).to_have_value("g a ? n")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_contain_text("New deployment")
    page.wait_for_timeout(400)
    person.assert_accessible("the list of keys")
    dialog.get_by_role("button", name="Shortcuts are on").click()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(dialog).to_have_count(0)
    page.get_by_role("button", name="account menu").click()
    page.get_by_role("button", name="Keyboard shortcuts").click()
    dialog.get_by_role("button", name="Shortcuts are off").click()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("u")
    page.wait_for_url("**/account")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_palette_finds_apps_pages_and_actions(
    make_person: Callable[..., Person], theme: str, repository: Repository
) -> None:
    person = make_person(color_scheme=theme)
    repository.commit(sites.page())
    name = person.client.deploy(repository)["container_name"]
    page = person.open("/account")
    page.get_by_role("heading", name="Profile").wait_for()
    page.keyboard.press("Control+k")
    box = page.get_by_role("combobox", name="Find an app")
    expect(box).to_be_focused()
    expect(page.get_by_role("option", name="octo/shop")).to_be_visible()
    page.wait_for_timeout(400)
    person.assert_accessible("the palette")
    box.fill("shop")
    expect(page.locator(".palette__option")).to_have_count(1)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/applications/{name}")
    person.log_state("Ended")
    page.keyboard.press("Control+k")
    box.fill("nothing at all")
    expect(page.locator(".palette__none")).to_have_text("Nothing is called that.")
    box.fill("sto")
    expect(page.locator(".palette__option[aria-selected=true]")).to_contain_text("Stop")
    page.keyboard.press("Enter")
    expect(person.badge("Stopped")).to_be_visible(timeout=60_000)
    page.keyboard.press("Control+k")
    box.fill("environment")
    page.keyboard.press("Enter")
    expect(page.get_by_role("tab", name="Environment")).to_have_attribute("aria-selected", "true")
    page.get_by_role("button", name="Find an app, a page or an action").click()
    expect(box).to_be_focused()
    page.keyboard.press("Escape")
    expect(box).to_have_count(0)
