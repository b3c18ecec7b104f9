"""The dashboard for everybody: by keyboard, on a phone, with a screen reader, in light and dark, each their own apps only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser import sites
from tests.browser.person import DEPLOY_MILLISECONDS, Person
from tests.engine.harness import Repository, inspect

pytestmark = [pytest.mark.browser, pytest.mark.engine, pytest.mark.timeout(600)]

PAGES = ("/", "/account", "/applications")
TABS = ("deployment", "log", "releases", "environment", "settings")
PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}


@pytest.fixture
def failed_app(person: Person, repository: Repository) -> str:
    """An app that is live while its newest deployment failed."""
    repository.commit(sites.page())
    name = person.client.deploy(repository, env="GREETING=hello\n")["container_name"]
    repository.commit({"Dockerfile": "FROM python:3.11-slim\nRUN cat no-such-file\n"})
    assert person.client.post(f"/deployments/{name}/redeploy").status_code == 422
    return str(name)


def test_two_people_see_nothing_of_each_other(make_person: Callable[..., Person], repository: Repository) -> None:
    repository.commit(sites.page())
    one, other = make_person(), make_person()
    expect(other.open("/applications").get_by_role("heading", name="Nothing runs here yet")).to_be_visible()
    name = one.client.deploy(repository)["container_name"]
    expect(one.open("/applications").locator(".app")).to_have_count(1)
    other.page.wait_for_timeout(500)
    expect(other.page.locator(".app")).to_have_count(0)
    other.open(f"/applications/{name}")
    expect(other.page.get_by_role("heading", name="There is no such application")).to_be_visible()
    assert name not in other.page.locator("main").inner_text()


def test_the_list_follows_what_happens_without_asking_again(person: Person, repository: Repository) -> None:
    repository.commit(sites.page())
    page = person.open("/applications")
    expect(page.get_by_role("heading", name="Nothing runs here yet")).to_be_visible()
    name = person.begin(repository.url)
    expect(page.locator(".app .badge", has_text="Live")).to_be_visible(timeout=DEPLOY_MILLISECONDS)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(3_000)
    assert asked == []
    page.get_by_role("button", name=f"Actions for {name}").click()
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.locator(".app .badge", has_text="Stopped")).to_be_visible(timeout=30_000)
    page.get_by_role("button", name=f"Actions for {name}").click()
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.locator(".app .badge", has_text="Live")).to_be_visible(timeout=60_000)
    person.client.destroy(name)
    expect(page.get_by_role("heading", name="Nothing runs here yet")).to_be_visible()


def test_search_filter_and_order_stand_in_the_address(
    person: Person, make_repository: Callable[[str], Repository]
) -> None:
    for name in ("apple", "pear"):
        made = make_repository(name)
        made.commit(sites.page(), f"Sell an {name}")
        person.client.deploy(made)
    page = person.open("/applications")
    expect(page.locator(".app")).to_have_count(2)
    page.keyboard.press("/")
    page.keyboard.type("pear")
    expect(page.locator(".app")).to_have_count(1)
    assert "q=pear" in page.url
    page.reload()
    expect(page.locator(".app")).to_have_count(1)
    page.get_by_label("Status").select_option("failed")
    expect(page.get_by_role("heading", name="No apps match")).to_be_visible()
    page.get_by_role("button", name="Clear").click()
    page.get_by_label("Sort").select_option("name")
    expect(page.locator(".app__link")).to_have_text(["octo/apple", "octo/pear"])


def test_variables_are_shown_edited_and_deployed(person: Person, repository: Repository) -> None:
    body = "import os\n    BODY = os.environ.get('GREETING', '')"
    source = sites.server(body="x", before=body.split("\n")[0])["server.py"].replace("'x'", "os.environ['GREETING']")
    repository.commit({**sites.server(), "server.py": source})
    deployed = person.client.deploy(repository, env="GREETING=hello\nOLD=1\n")
    page = person.open_app(deployed["container_name"], tab="environment")
    row = page.locator(".var[data-name=GREETING]")
    expect(row).not_to_contain_text("hello")
    row.get_by_role("button", name="Show the value of GREETING").click()
    expect(row).to_contain_text("hello")
    row.get_by_role("button", name="Change GREETING").click()
    row.get_by_role("textbox").fill("bonjour")
    page.get_by_role("button", name="Remove OLD").click()
    expect(page.locator(".savebar")).to_contain_text("2 unsaved changes")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".savebar")).to_contain_text("wait for the next deployment")
    assert page.request.get(deployed["deployed_url"]).text() == "hello"
    page.get_by_role("button", name="Deploy now").click()
    expect(page.locator(".deployment__title")).to_have_text("Release 2")
    person.log_state("Ended")
    assert page.request.get(deployed["deployed_url"]).text() == "bonjour"


def test_everything_on_an_app_works_by_keyboard(person: Person, failed_app: str) -> None:
    page = person.open_app(failed_app)
    person.log_state("Ended")
    page.keyboard.press("/")
    page.keyboard.type("no-such-file")
    expect(page.locator(".deployment .log__matches")).to_contain_text("1 of")
    page.keyboard.press("Escape")
    tab_to(page, ".log__scroll")
    page.keyboard.press("w")
    expect(page.get_by_role("button", name="Wrap").first).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("f")
    expect(page.get_by_role("button", name="Follow").first).to_have_attribute("aria-pressed", "true")
    page.keyboard.press(" ")
    expect(page.locator(".deployment .log__state")).to_have_text("Paused")
    page.locator("body").focus()
    page.get_by_role("tab", name="Deployment").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="App log")).to_be_focused()
    page.keyboard.press("End")
    expect(page.get_by_role("tab", name="Settings")).to_be_focused()
    tab_to(page, "[data-deed=destroy]")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_role("textbox")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Destroy this application")).to_be_focused()
    assert [row["container_name"] for row in person.client.get("/deployments").json()] == [failed_app]


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the focus is there; each stop must be in sight."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"Tab does not lead to {selector}")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(make_person: Callable[..., Person], theme: str, repository: Repository) -> None:
    person = make_person(color_scheme=theme)
    repository.commit(sites.page())
    for path in PAGES:
        page = person.open(path)
        page.wait_for_timeout(700)
        person.assert_accessible(f"{path} of somebody without apps")
    name = person.client.deploy(repository, env="GREETING=hello\n")["container_name"]
    repository.commit({"Dockerfile": "FROM python:3.11-slim\nRUN cat no-such-file\n"})
    assert person.client.post(f"/deployments/{name}/redeploy").status_code == 422
    person.open("/applications").locator(".app").wait_for()
    person.assert_accessible("/applications")
    person.page.get_by_role("button", name=f"Actions for {name}").click()
    person.assert_accessible("/applications with a menu")
    for tab in TABS:
        person.open_app(name, tab=tab).wait_for_timeout(900)
        person.assert_accessible(f"the tab {tab}")
    person.page.get_by_role("button", name="Destroy this application").click()
    person.page.wait_for_timeout(400)
    person.assert_accessible("the dialog that destroys")
    person.open("/applications/none-0000").get_by_role("heading", name="There is no such").wait_for()
    person.assert_accessible("an app that is not there")
    person.page.evaluate("localStorage.clear()")
    for path in ("/", "/login", "/login?mode=register", "/no-such-page"):
        person.open(path).wait_for_load_state("networkidle")
        person.assert_accessible(f"{path} of a stranger")


@pytest.mark.parametrize("width", [360, 320])
def test_nothing_is_wider_than_a_phone(
    make_person: Callable[..., Person], width: int, make_repository: Callable[[str], Repository]
) -> None:
    person = make_person(**{**PHONE, "viewport": {"width": width, "height": 740}})
    repository = make_repository("a-repository-with-quite-a-long-name-for-a-phone")
    repository.commit(sites.page(), "A subject of a commit that goes on and on for longer than a phone is wide")
    name = person.client.deploy(repository, env="A_NAME_THAT_IS_QUITE_LONG_FOR_A_VARIABLE=1\n")["container_name"]
    for path in (*PAGES, *(f"/applications/{name}?tab={tab}" for tab in TABS)):
        page = person.open(path)
        page.wait_for_timeout(700)
        wide = page.evaluate("[document.documentElement.scrollWidth, innerWidth, visualViewport.width]")
        assert wide[0] <= width and wide[2] <= width, f"{path} is {wide} wide"
    small = page.evaluate(
        """() => [...document.querySelectorAll('main button, main a, main select')]
            .filter((one) => one.checkVisibility() && !one.closest('p, li, dd, h2, .log__row'))
            .map((one) => [one.outerHTML.slice(0, 90), one.getBoundingClientRect()])
            .filter(([, box]) => box.height < 24 || box.width < 24).map(([text]) => text)"""
    )
    assert small == []


def test_losing_the_connection_is_said_and_recovered_from(person: Person, repository: Repository) -> None:
    repository.commit(sites.page())
    name = person.client.deploy(repository)["container_name"]
    began = inspect(name)["State"]["StartedAt"]
    page = person.open("/applications")
    expect(page.locator(".app")).to_have_count(1)
    person.context.set_offline(True)
    page.get_by_role("button", name=f"Actions for {name}").click()
    page.get_by_role("button", name="Restart").click()
    expect(page.locator(".connection")).to_contain_text("cannot be reached")
    assert inspect(name)["State"]["StartedAt"] == began
    person.context.set_offline(False)
    page.get_by_role("button", name=f"Actions for {name}").click()
    with page.expect_response(f"**/deployments/{name}/restart", timeout=60_000) as answer:
        page.get_by_role("button", name="Restart").click()
    assert answer.value.ok and inspect(name)["State"]["StartedAt"] > began
    expect(page.locator(".connection")).to_have_count(0, timeout=30_000)
