"""The deploy form and what an app keeps of it: values of one's own, variables as rows and text, and the first app."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.browser import sites
from tests.browser.person import DEPLOY_MILLISECONDS, Person
from tests.engine.harness import Repository, Server

pytestmark = [pytest.mark.browser, pytest.mark.engine, pytest.mark.timeout(600)]

MASK = "•" * 8
_DROP = """([selector, name, text]) => {
    const data = new DataTransfer();
    data.items.add(new File([text], name));
    const place = document.querySelector(selector);
    for (const kind of ['dragover', 'drop'])
        place.dispatchEvent(new DragEvent(kind, {dataTransfer: data, bubbles: true, cancelable: true}));
}"""


def row(page: Page, key: str) -> Locator:
    return page.locator(f".plan__row[data-key='{key}']")


def look(person: Person, repository: Repository) -> Page:
    page = person.open("/")
    page.get_by_role("textbox", name="Git address").fill(repository.url)
    page.get_by_role("button", name="Preview").click()
    expect(row(page, "run.port")).to_be_visible(timeout=60_000)
    return page


def deployed_app(person: Person) -> str:
    page = person.page
    page.wait_for_url("**/applications/*")
    name = page.url.split("/")[-1].partition("?")[0]
    expect(person.badge("Live")).to_be_visible(timeout=DEPLOY_MILLISECONDS)
    return name


# --- the preview


def test_a_value_given_in_the_preview_is_deployed_and_all_of_it_works_by_keyboard(
    person: Person, repository: Repository
) -> None:
    repository.commit(sites.server(body="Hello"))
    page = look(person, repository)
    page.get_by_role("button", name="Override: Port").press("Enter")
    field = page.get_by_role("textbox", name="Port", exact=True)
    expect(field).to_be_focused()
    page.keyboard.type("4000")
    page.keyboard.press("Enter")
    expect(row(page, "run.port")).to_contain_text("4000")
    expect(row(page, "run.port").locator(".badge")).to_have_text("Yours")
    expect(page.get_by_role("button", name="Change: Port")).to_be_focused()
    expect(page.locator("[role=status].visually-hidden").last).to_contain_text("Port is 4000.", timeout=60_000)
    page.get_by_role("button", name="Deploy", exact=True).press("Enter")
    name = deployed_app(person)
    app = person.client.get(f"/deployments/{name}").json()
    assert (app["container_port"], app["overrides"]) == (4000, {"run": {"port": 4000}})
    assert page.request.get(app["deployed_url"]).text() == "Hello"


def test_a_refused_value_stands_at_its_row_and_nothing_typed_is_lost(person: Person, repository: Repository) -> None:
    repository.commit(sites.server())
    page = look(person, repository)
    before = row(page, "build.dockerfile").inner_text()
    page.get_by_role("button", name="Override: Port").click()
    page.keyboard.type("web")
    page.keyboard.press("Enter")
    field = page.get_by_role("textbox", name="Port", exact=True)
    expect(field).to_have_attribute("aria-invalid", "true", timeout=60_000)
    expect(field).to_have_value("web")
    expect(field).to_be_focused()
    expect(row(page, "run.port")).to_contain_text("whole number")
    assert row(page, "build.dockerfile").inner_text() == before
    person.assert_accessible("a refused value")
    page.keyboard.press("Escape")
    expect(row(page, "run.port")).not_to_contain_text("web", timeout=60_000)
    expect(page.get_by_role("button", name="Override: Port")).to_be_visible(timeout=60_000)


def test_what_a_compose_file_says_is_changed_there(person: Person, repository: Repository) -> None:
    service = "{build: ., ports: ['8000'], environment: {PORT: '8000'}}"
    compose = f"services:\n  web: {service}\n  admin: {service}\n"
    repository.commit({**sites.server(), "compose.yaml": compose})
    page = look(person, repository)
    expect(row(page, "run.command").get_by_role("button")).to_have_count(0)
    expect(page.locator(".plan")).to_contain_text("change it in the Compose file")
    page.get_by_role("button", name="Override: Main service").click()
    page.keyboard.type("admin")
    with page.expect_response("**/api/plan") as answer:
        page.keyboard.press("Enter")
    assert answer.value.json()["main_service"] == "admin"
    expect(row(page, "run.service")).to_contain_text("Yours")
    expect(page.locator("[role=status].visually-hidden").last).to_contain_text("admin", timeout=60_000)


# --- once


def test_a_lost_answer_and_a_double_click_deploy_once(person: Person, repository: Repository) -> None:
    repository.commit(sites.page())
    page = person.open("/")
    keys: list[str] = []

    def lose_the_first_answer(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) > 1:
            return route.continue_()
        route.fetch()
        route.abort("connectionreset")

    page.route("**/deploy", lose_the_first_answer)
    page.get_by_role("textbox", name="Git address").fill(repository.url)
    page.get_by_role("button", name="Deploy", exact=True).dblclick()
    deployed_app(person)
    assert len(keys) == 2 and keys[0] == keys[1]
    assert len(person.client.get("/deployments").json()) == 1


def test_another_wish_goes_by_another_key(person: Person, repository: Repository) -> None:
    repository.commit(sites.page())
    page = person.open("/")
    keys: list[str] = []

    def refuse(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        route.fulfill(status=503, json={"error": {"code": "unknown", "message": "Not now.", "hint": "Later."}})

    page.route("**/deploy", refuse)
    page.get_by_role("textbox", name="Git address").fill(repository.url)
    for change in ("", "", "a-branch"):
        page.get_by_label("Branch or tag").fill(change)
        page.get_by_role("button", name="Deploy", exact=True).click()
        expect(page.locator(".deploy__problem")).to_contain_text("Not now.")
    assert keys[0] == keys[1] != keys[2]


# --- what an app keeps


def test_values_are_kept_with_the_app_and_wait_for_the_next_deployment(person: Person, repository: Repository) -> None:
    repository.commit(sites.server(body="Hello"))
    name = person.client.deploy(repository, overrides='{"run": {"port": 4000}}')["container_name"]
    page = person.open_app(name, tab="settings")
    expect(row(page, "run.port")).to_contain_text("4000")
    page.get_by_role("button", name="Change: Port").click()
    page.keyboard.type("4100")
    page.keyboard.press("Enter")
    expect(row(page, "run.port")).to_contain_text("Not deployed yet")
    expect(page.locator(".savebar")).to_contain_text("1 unsaved change")
    page.get_by_role("button", name="Look at the repository").click()
    expect(row(page, "build.dockerfile")).to_contain_text("Dockerfile", timeout=60_000)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".savebar")).to_contain_text("wait for the next deployment")
    assert person.client.get(f"/deployments/{name}").json()["container_port"] == 4000
    person.assert_accessible("values that wait")
    page.get_by_role("button", name="Deploy now").click()
    expect(page.locator(".deployment__title")).to_have_text("Release 2")
    person.log_state("Ended")
    app = person.client.get(f"/deployments/{name}").json()
    assert (app["container_port"], app["overrides_pending"]) == (4100, False)
    page.get_by_role("tab", name="Settings").click()
    page.get_by_role("button", name="Take back: Port").click()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".savebar")).to_contain_text("wait for the next deployment")
    assert person.client.get(f"/deployments/{name}/overrides").json()["overrides"] is None


# --- variables


def test_variables_as_text_keep_stored_values_masked_until_they_are_asked_for(
    person: Person, repository: Repository
) -> None:
    repository.commit(sites.page())
    name = person.client.deploy(repository, env="GREETING=hello\nOLD=1\n")["container_name"]
    page = person.open_app(name, tab="environment")
    part = page.get_by_role("region", name="While it runs")
    part.get_by_role("button", name="Text", exact=True).click()
    text = part.get_by_role("textbox", name=re.compile("as text"))
    expect(text).to_have_value(f"GREETING={MASK}\nOLD={MASK}\n")
    assert "hello" not in page.content()
    text.fill(f"# mine\nGREETING={MASK}\nbroken\nNEW=2\n")
    expect(part).to_contain_text("Line 3: broken has no value")
    page.keyboard.press("Control+s")
    expect(page.locator(".savebar")).to_contain_text("unsaved")
    part.get_by_role("button", name="Line 3").click()
    page.keyboard.press("Delete")
    person.assert_accessible("variables as text")
    page.keyboard.press("Control+s")
    expect(page.locator(".savebar")).to_contain_text("wait for the next deployment")
    expect(text).to_be_focused()
    expect(text).to_have_value(f"# mine\nGREETING={MASK}\n\nNEW={MASK}\n")
    part.get_by_role("button", name="Show values").click()
    expect(text).to_have_value("# mine\nGREETING=hello\n\nNEW=2\n")
    stored = person.client.get(f"/deployments/{name}/env?reveal=true").json()["variables"]
    assert {one["name"]: one["value"] for one in stored} == {"GREETING": "hello", "NEW": "2", "OLD": None}
    part.get_by_role("button", name="Rows", exact=True).click()
    expect(part.locator(".var[data-name=GREETING]")).to_contain_text("hello")


def test_a_dropped_file_is_rows_and_text_in_the_form_and_reaches_the_app(
    person: Person, repository: Repository
) -> None:
    source = sites.server(body="x")["server.py"].replace("'x'", "os.environ['GREETING']")
    repository.commit({**sites.server(), "server.py": source})
    page = person.open("/")
    page.get_by_text("Environment variables").click()
    page.evaluate(_DROP, [".env", "my.env", "# the words\nGREETING=hello # once\nGREETING=twice\n"])
    runs = page.get_by_role("group", name="When it runs")
    expect(runs).to_contain_text("1 variable taken from my.env")
    expect(runs).to_contain_text("Line 3: GREETING is set already on line 2")
    value = runs.get_by_role("textbox", name="Value of GREETING")
    expect(value).to_have_class(re.compile("masked"))
    runs.get_by_role("button", name="Show values").click()
    expect(value).not_to_have_class(re.compile("masked"))
    value.fill("bonjour")
    runs.get_by_role("button", name="Text", exact=True).click()
    text = runs.get_by_role("textbox", name=re.compile("as text"))
    expect(text).to_have_value(re.compile("# the words\nGREETING=bonjour # once"))
    text.fill("# the words\nGREETING=salut\n")
    page.get_by_role("textbox", name="Git address").fill(repository.url)
    page.get_by_role("button", name="Deploy", exact=True).click()
    name = deployed_app(person)
    address = person.client.get(f"/deployments/{name}").json()["deployed_url"]
    assert page.request.get(address).text() == "salut"


# --- the first app


@pytest.mark.parametrize("path", ["/applications", "/"])
def test_somebody_without_an_app_has_the_ways_to_one(person: Person, path: str) -> None:
    person.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = person.open(path)
    first = page.locator(".first")
    expect(first.get_by_role("button", name="Deploy the sample")).to_be_visible()
    first.get_by_role("button", name="Copy the command").click()
    assert page.evaluate("navigator.clipboard.readText()") == "./butler deploy https://github.com/user/repo"
    person.assert_accessible(f"{path} without an app")
    first.get_by_role("link", name="Browse GitHub").click()
    expect(page.get_by_role("link", name="Store a GitHub token")).to_be_visible()
    page.locator(".first").get_by_role("link", name="Deploy your first app").click()
    expect(page.get_by_role("textbox", name="Git address")).to_be_focused()


def test_the_sample_is_one_click_where_nothing_else_of_the_server_can_be_deployed(
    make_dashboard: Callable[..., Server], make_person: Callable[..., Person], repository: Repository
) -> None:
    repository.commit(sites.page())
    person = make_person(make_dashboard(BUTLER_ALLOW_LOCAL_REPOSITORIES="false"))
    refused = person.client.try_deploy(repository)
    assert refused.status_code == 422
    page = person.open("/applications")
    page.get_by_role("button", name="Deploy the sample").dblclick()
    name = deployed_app(person)
    address = person.client.get(f"/deployments/{name}").json()["deployed_url"]
    assert "Hello, there." in page.request.get(address).text()
    assert len(person.client.get("/deployments").json()) == 1
    assert str(person.client.server.data_dir) not in page.content()


def test_a_server_without_the_sample_shows_no_button_for_it(person: Person) -> None:
    assert person.client.get("/api/samples").json(), "this server has the sample, unless its answer is replaced"
    person.page.route("**/api/samples", lambda route: route.fulfill(json=[]))
    page = person.open("/applications")
    expect(page.get_by_role("link", name="Deploy your first app")).to_be_visible()
    expect(page.get_by_role("button", name="Deploy the sample")).to_have_count(0)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
def test_axe_finds_nothing_in_the_form_and_nothing_is_too_wide(
    chromium: Browser, dashboard: Server, repository: Repository, theme: str, width: int
) -> None:
    repository.commit({**sites.server(), ".env.example": "A_LONG_NAME_OF_A_VARIABLE_FOR_A_PHONE=\n"})
    person = Person(
        chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=theme),  # type: ignore[arg-type]
        dashboard.user(),
    )
    person.page.set_default_timeout(40_000)
    person.log_in()
    page = look(person, repository)
    person.assert_accessible("a preview")
    page.get_by_role("button", name="Override: Port").click()
    person.assert_accessible("a value that is typed")
    page.get_by_role("group", name="When it runs").get_by_role("button", name="Text", exact=True).click()
    page.get_by_role("textbox", name="When it runs, as text").fill("# mine\nbroken\n")
    person.assert_accessible("variables as text with a mistake")
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width
    person.context.close()
    assert not person.problems
