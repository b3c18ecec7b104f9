"""Every page of the dashboard in every state, to be looked at: `python -m tests.browser.screenshots FOLDER [WORDS]`.

A real server with real apps on a real engine; only what is hard to have (a slow answer, an error of the server) is put
between page and server. Each state is taken at 360 and 1440 px, in light and dark. WORDS choose states by their names.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import BrowserContext, Error, Page, Route, sync_playwright

from tests import fake_github
from tests.browser import sites
from tests.browser.person import Person
from tests.browser.serving import chromium_program, make_server
from tests.engine.harness import EXAMPLES, Client, Repository, Server, sweep

SIZES: dict[int, dict[str, Any]] = {
    360: {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True},
    1440: {"viewport": {"width": 1440, "height": 900}},
}
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
LONG = "a-repository-with-quite-a-long-name-for-a-phone"
TOKEN, EXPIRED = "ghp_" + "a" * 36, "ghp_" + "e" * 36
COLOURS = (
    r"print('\033[36minfo\033[0m', 'reading settings', flush=True);"
    r"print('\033[33mwarning\033[0m: DEBUG is off, so the templates are cached', flush=True)"
)


@dataclass
class World:
    """People, and what they have: `ada` has everything, `grace` has nothing yet, `alan` has a token that expired."""

    server: Server
    folder: Path
    clients: dict[str, Client] = field(default_factory=dict)
    apps: dict[str, str] = field(default_factory=dict)
    repositories: dict[str, Repository] = field(default_factory=dict)

    def repository(self, name: str) -> Repository:
        self.repositories[name] = Repository(self.folder / "octo" / name)
        return self.repositories[name]


State = Callable[[Person, World], Any]
STATES: dict[str, tuple[str, State]] = {}


def state(name: str, who: str = "ada") -> Callable[[State], State]:
    """Name a state; `who` is logged in, or nobody where it is empty."""

    def add(prepare: State) -> State:
        STATES[name] = (who, prepare)
        return prepare

    return add


# --- what is between page and server where a state is hard to have ----------------------------------------------------


_held: list[Route] = []


def never(page: Page, pattern: str) -> None:
    page.route(pattern, lambda route: _held.append(route))


def refuse(page: Page, pattern: str, code: str = "internal-error", status: int = 500) -> None:
    body = {
        "code": code,
        "message": "The server could not read its records.",
        "hint": "Try again; if it stays, look for the trace id in the server's log.",
        "trace_id": "8f2c1d7a90b34e56",
    }

    def answer(route: Route) -> None:
        route.fulfill(status=status, content_type="application/json", body=json.dumps({"error": body}))

    page.route(pattern, answer)


def type_address(page: Page, text: str) -> None:
    page.get_by_role("textbox", name="Git address").fill(text)
    page.get_by_role("textbox", name="Git address").blur()


# --- strangers --------------------------------------------------------------------------------------------------------


@state("landing", "")
def _(person: Person, world: World) -> None:
    person.open("/")
    for part in person.page.locator("[data-aos]").all():
        part.scroll_into_view_if_needed()
    person.page.evaluate("scrollTo(0, 0)")


@state("login", "")
def _(person: Person, world: World) -> None:
    person.open("/login")


@state("login-refused", "")
def _(person: Person, world: World) -> None:
    page = person.open("/login")
    page.get_by_label("User name or e-mail").fill("ada")
    page.get_by_label("Password", exact=True).fill("not the password")
    page.get_by_role("button", name="Log in", exact=True).last.click()
    page.locator(".field__error").last.wait_for()


@state("register-errors", "")
def _(person: Person, world: World) -> None:
    page = person.open("/login?mode=register")
    page.get_by_label("User name").fill("a b")
    page.get_by_label("E-mail").fill("ada")
    page.get_by_label("Password", exact=True).fill("short")
    page.get_by_role("button", name="Make an account").click()


@state("session-expired")
def _(person: Person, world: World) -> None:
    page = person.open("/account")
    page.locator(".account__card").first.wait_for()
    page.evaluate(
        """() => {
            const session = JSON.parse(localStorage.getItem('butler.session'));
            Object.assign(session, { accessToken: 'old', refreshToken: 'old' });
            localStorage.setItem('butler.session', JSON.stringify(session));
        }"""
    )
    page.reload()
    page.get_by_role("dialog").wait_for()


# --- the dashboard ----------------------------------------------------------------------------------------------------


@state("dashboard-empty", "grace")
def _(person: Person, world: World) -> None:
    person.open("/").locator(".health").wait_for()


@state("dashboard-full")
def _(person: Person, world: World) -> None:
    person.open("/").locator(".health").wait_for()


@state("dashboard-error")
def _(person: Person, world: World) -> None:
    refuse(person.page, "**/deployments?*")
    person.open("/").locator(".error-card").wait_for()


@state("dashboard-loading")
def _(person: Person, world: World) -> None:
    never(person.page, "**/deployments?*")
    never(person.page, "**/health")
    person.open("/").wait_for_timeout(600)


# --- the deploy form --------------------------------------------------------------------------------------------------


@state("form-credentials-stripped", "grace")
def _(person: Person, world: World) -> None:
    type_address(person.open("/"), "https://ada:ghp_secret@github.com/ada/guestbook")


@state("form-invalid", "grace")
def _(person: Person, world: World) -> None:
    type_address(person.open("/"), "not an address")
    person.page.get_by_role("button", name="Deploy", exact=True).click()


@state("form-preview", "grace")
def _(person: Person, world: World) -> None:
    page = person.open("/")
    type_address(page, world.repositories["guestbook"].url)
    page.get_by_role("button", name="Preview").click()
    page.locator(".plan").wait_for(timeout=60_000)


@state("form-preview-running", "grace")
def _(person: Person, world: World) -> None:
    never(person.page, "**/api/plan")
    page = person.open("/")
    type_address(page, "https://github.com/ada/guestbook")
    page.get_by_role("button", name="Preview").click()


@state("form-preview-refused", "grace")
def _(person: Person, world: World) -> None:
    page = person.open("/")
    type_address(page, world.repositories["notes"].url)
    page.get_by_role("button", name="Preview").click()
    page.locator(".preview .error-card").wait_for(timeout=60_000)


@state("form-preview-candidates", "grace")
def _(person: Person, world: World) -> None:
    page = person.open("/")
    type_address(page, world.repositories["several"].url)
    page.get_by_role("button", name="Preview").click()
    page.locator(".preview h3").wait_for(timeout=60_000)


@state("form-preview-outdated", "grace")
def _(person: Person, world: World) -> None:
    page = person.open("/")
    type_address(page, world.repositories["guestbook"].url)
    page.get_by_role("button", name="Preview").click()
    page.locator(".plan").wait_for(timeout=60_000)
    page.get_by_label("Branch or tag").fill("next")


@state("form-variables", "grace")
def _(person: Person, world: World) -> None:
    page = person.open("/")
    page.locator(".deploy__env > summary").click()
    editor = page.locator(".env").first
    editor.get_by_role("button", name="Add a variable").click()
    editor.get_by_label("Name").evaluate(
        """input => {
            const data = new DataTransfer();
            data.setData('text', 'SECRET_KEY=correct horse\\nDATABASE_URL=postgres://db/app\\nnonsense\\n=x\\n');
            input.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
        }"""
    )
    editor.get_by_role("button", name="Add a variable").click()
    editor.get_by_label("Name").last.fill("SECRET_KEY")
    editor.get_by_role("button", name="Add a variable").click()
    editor.get_by_label("Name").last.fill("1 BAD")
    page.get_by_role("button", name="Deploy", exact=True).click()


@state("github-token-missing", "grace")
def _(person: Person, world: World) -> None:
    person.open("/").get_by_role("tab", name="From GitHub").click()
    person.page.get_by_role("link", name="Store a GitHub token").wait_for()


@state("github-repositories")
def _(person: Person, world: World) -> None:
    person.open("/").get_by_role("tab", name="From GitHub").click()
    person.page.locator(".repos__row").first.wait_for()


@state("github-no-match")
def _(person: Person, world: World) -> None:
    person.open("/").get_by_role("tab", name="From GitHub").click()
    person.page.locator(".repos__row").first.wait_for()
    person.page.get_by_label("Search your repositories").fill("no such thing")
    person.page.get_by_text("No repository matches").wait_for()


@state("github-token-expired", "alan")
def _(person: Person, world: World) -> None:
    person.open("/").get_by_role("tab", name="From GitHub").click()
    person.page.locator(".error-card").wait_for()


@state("github-loading")
def _(person: Person, world: World) -> None:
    never(person.page, "**/api/github/repos?*")
    person.open("/").get_by_role("tab", name="From GitHub").click()
    person.page.wait_for_timeout(600)


# --- the list ---------------------------------------------------------------------------------------------------------


@state("list-empty", "grace")
def _(person: Person, world: World) -> None:
    person.open("/applications").get_by_role("heading", name="Nothing runs here yet").wait_for()


@state("list-loading")
def _(person: Person, world: World) -> None:
    never(person.page, "**/deployments?*")
    person.open("/applications").wait_for_timeout(600)


@state("list-error")
def _(person: Person, world: World) -> None:
    refuse(person.page, "**/deployments?*")
    person.open("/applications").locator(".error-card").wait_for()


@state("list-full")
def _(person: Person, world: World) -> None:
    person.open("/applications").locator(".app").first.wait_for()


@state("list-menu")
def _(person: Person, world: World) -> None:
    person.open("/applications").locator(".app").first.wait_for()
    person.page.get_by_role("button", name=f"Actions for {world.apps['shop']}").click()


@state("list-no-match")
def _(person: Person, world: World) -> None:
    person.open("/applications?q=lighthouse").get_by_role("heading", name="No apps match").wait_for()


@state("list-offline")
def _(person: Person, world: World) -> None:
    person.open("/applications").locator(".app").first.wait_for()
    person.context.set_offline(True)
    person.page.get_by_role("button", name=f"Actions for {world.apps['shop']}").click()
    person.page.get_by_role("button", name="Restart").click()
    person.page.locator(".connection").wait_for()


# --- one application --------------------------------------------------------------------------------------------------


def open_tab(person: Person, world: World, app: str, tab: str = "") -> Page:
    page = person.open_app(world.apps[app], tab=tab)
    page.wait_for_timeout(900)
    return page


@state("app-building")
def _(person: Person, world: World) -> None:
    open_tab(person, world, "atelier").locator(".log__row", has_text="work").first.wait_for()


@state("app-live")
def _(person: Person, world: World) -> None:
    open_tab(person, world, "shop")


@state("app-failed")
def _(person: Person, world: World) -> None:
    open_tab(person, world, "bakery").locator(".failure").wait_for()


@state("app-failed-serving")
def _(person: Person, world: World) -> None:
    open_tab(person, world, "library").locator(".failure").wait_for()


@state("app-stopped")
def _(person: Person, world: World) -> None:
    open_tab(person, world, "garden")


@state("app-cancelled")
def _(person: Person, world: World) -> None:
    open_tab(person, world, "harbour")


@state("app-long-names")
def _(person: Person, world: World) -> None:
    open_tab(person, world, LONG)


@state("app-log-search")
def _(person: Person, world: World) -> None:
    page = open_tab(person, world, "shop")
    page.locator(".deployment .log__row").first.wait_for()
    page.get_by_role("searchbox", name="Search the build log").fill("work 1")
    page.wait_for_timeout(400)


@state("app-log-wrapped-and-timed")
def _(person: Person, world: World) -> None:
    page = open_tab(person, world, "shop")
    page.get_by_role("button", name="Wrap").first.click()
    page.get_by_label("Times").first.select_option("absolute")


@state("app-log-paused")
def _(person: Person, world: World) -> None:
    page = open_tab(person, world, "atelier")
    page.locator(".log__row", has_text="work").first.wait_for()
    page.get_by_role("button", name="Pause").first.click()
    page.wait_for_timeout(2_000)


@state("app-own-log")
def _(person: Person, world: World) -> None:
    open_tab(person, world, "shop", "log").locator(".log__row").first.wait_for()


@state("app-releases")
def _(person: Person, world: World) -> None:
    open_tab(person, world, "library", "releases")


@state("app-environment")
def _(person: Person, world: World) -> None:
    open_tab(person, world, "shop", "environment").locator(".var").first.wait_for()


@state("app-environment-changed")
def _(person: Person, world: World) -> None:
    page = open_tab(person, world, "shop", "environment")
    page.get_by_role("button", name="Change GREETING").click()
    page.locator(".var[data-name=GREETING]").get_by_role("textbox").fill("bonjour")
    page.get_by_role("button", name="Remove OLD").click()


@state("app-environment-empty")
def _(person: Person, world: World) -> None:
    open_tab(person, world, "garden", "environment")


@state("app-settings")
def _(person: Person, world: World) -> None:
    open_tab(person, world, "shop", "settings")


@state("app-destroy")
def _(person: Person, world: World) -> None:
    page = open_tab(person, world, "shop", "settings")
    page.get_by_role("button", name="Destroy this application").click()
    page.wait_for_timeout(400)


@state("app-loading")
def _(person: Person, world: World) -> None:
    never(person.page, f"**/deployments/{world.apps['shop']}")
    person.open(f"/applications/{world.apps['shop']}").wait_for_timeout(700)


@state("app-missing")
def _(person: Person, world: World) -> None:
    person.open("/applications/none-0000").get_by_role("heading", name="There is no such").wait_for()


@state("page-missing")
def _(person: Person, world: World) -> None:
    person.open("/no-such-page")


# --- the account ------------------------------------------------------------------------------------------------------


@state("account", "grace")
def _(person: Person, world: World) -> None:
    person.open("/account").locator(".account__card").first.wait_for()


@state("account-with-token")
def _(person: Person, world: World) -> None:
    person.open("/account").locator(".account__card").first.wait_for()


@state("account-errors", "grace")
def _(person: Person, world: World) -> None:
    page = person.open("/account")
    page.locator(".account__card").first.wait_for()
    page.get_by_role("button", name="Change the password").click()
    page.get_by_role("button", name="Store the token").click()


@state("theme-and-account-menus", "grace")
def _(person: Person, world: World) -> None:
    page = person.open("/account")
    page.locator(".account__card").first.wait_for()
    page.get_by_role("button", name="account menu").click()


# --- the world --------------------------------------------------------------------------------------------------------


@contextmanager
def world(folder: Path) -> Iterator[World]:
    with fake_github.serve(folder / "github") as github:
        server = make_server(
            folder / "butler", {"BUTLER_GITHUB_API_URL": github.url, "BUTLER_ALLOWED_PRIVATE_HOSTS": "127.0.0.1"}
        )
        server.start()
        made = World(server, folder)
        try:
            _people(made, github)
            _to_preview(made)
            _apps(made, made.clients["ada"])
            yield made
        finally:
            for client in made.clients.values():
                for row in client.get("/deployments").json():
                    client.delete(f"/deployments/{row['container_name']}")
            server.stop()
            sweep(server)


def _people(made: World, github: fake_github.FakeGithub) -> None:
    for name in ("ada", "grace", "alan"):
        made.clients[name] = made.server.user(name)
    github.tokens[TOKEN] = fake_github.Token("ada")
    github.tokens[EXPIRED] = fake_github.Token("alan")
    for number, (name, about) in enumerate(
        [
            ("guestbook", "Sign here: a small FastAPI app with a form"),
            ("shop", "Bread and cakes, since 1912"),
            (LONG, "It goes on and on, and so does what is said about it, for longer than any phone is wide"),
            ("notes", None),
        ]
    ):
        pushed = f"2026-11-{24 - 5 * number:02}T10:30:00Z"
        github.add(f"ada/{name}", {"README.md": name}, description=about, private=number == 1, pushed_at=pushed)
    for name, token in (("ada", TOKEN), ("alan", EXPIRED)):
        assert made.clients[name].put("/api/auth/github-token", json={"token": token}).status_code == 200
    github.tokens[EXPIRED].is_expired = True


def _to_preview(made: World) -> None:
    made.repository("guestbook").copy_of(EXAMPLES / "fastapi")
    made.repositories["guestbook"].commit({".env.example": "SECRET_KEY=\nDATABASE_URL=\n"})
    made.repository("notes").commit({"notes.txt": "Buy bread.\n"})
    several = made.repository("several")
    several.commit({f"{part}/{name}": text for part in ("api", "web") for name, text in sites.server().items()})


def _apps(made: World, ada: Client) -> None:
    shop = made.repository("shop")
    shop.commit(sites.server(steps=sites.slow(60, 1), before=COLOURS), "Sell cakes too")
    made.apps["shop"] = ada.deploy(shop, env="GREETING=hello\nOLD=1\nDATABASE_URL=postgres://db.example/shop\n")[
        "container_name"
    ]
    for name, subject in (
        ("garden", "Plant the roses"),
        ("library", "Lend books"),
        (LONG, "A subject of a commit that goes on and on for longer than a phone is wide"),
    ):
        repository = made.repository(name)
        repository.commit(sites.page(), subject)
        made.apps[name] = ada.deploy(repository)["container_name"]
    ada.post(f"/deployments/{made.apps['garden']}/stop")
    broken = {"Dockerfile": "FROM python:3.11-slim\nCOPY . .\nRUN pip install -r requirements.txt\n"}
    made.repositories["library"].commit(broken, "Use the new catalogue")
    ada.post(f"/deployments/{made.apps['library']}/redeploy")
    bakery = made.repository("bakery")
    bakery.commit(sites.server(before="raise SystemExit('KeyError: OVEN_URL is not set')"), "Heat the oven")
    ada.try_deploy(bakery)
    made.apps["bakery"] = next(
        row["container_name"] for row in ada.get("/deployments").json() if row["git_url"] == bakery.url
    )
    made.apps["harbour"] = _begin(made, ada, "harbour", "Let ships in")
    ada.post(f"/deployments/{made.apps['harbour']}/cancel")
    made.apps["atelier"] = _begin(made, ada, "atelier", "Paint the walls")


def _begin(made: World, client: Client, name: str, subject: str) -> str:
    repository = made.repository(name)
    repository.commit(sites.server(steps=sites.slow(1400, 700)), subject)
    answer = client.post("/deploy", data={"git_url": repository.url}, headers={"Prefer": "respond-async"})
    return str(answer.json()["container_name"])


# --- taking them ------------------------------------------------------------------------------------------------------


def main() -> None:
    target, words = Path(sys.argv[1]), sys.argv[2:]
    target.mkdir(parents=True, exist_ok=True)
    chosen = {name: what for name, what in STATES.items() if not words or any(word in name for word in words)}
    with tempfile.TemporaryDirectory(prefix="butler-screenshots-") as folder, world(Path(folder)) as made:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium_program(), args=["--no-sandbox"])
            for name, (who, prepare) in chosen.items():
                for width, theme in product(SIZES, THEMES):
                    context = browser.new_context(**SIZES[width], color_scheme=theme, reduced_motion="reduce")
                    try:
                        _take(context, made, who, prepare, target / f"{name}-{theme}-{width}.png")
                    except Exception as error:
                        # The others are still to be taken.
                        sys.stderr.write(f"{name}, {theme}, {width}: {str(error)[:300]}\n")
                    finally:
                        _let_go()
                        context.close()
            browser.close()


def _take(context: BrowserContext, made: World, who: str, prepare: State, file: Path) -> None:
    person = Person(context, made.clients[who or "grace"])
    person.page.set_default_timeout(15_000)
    if who:
        person.log_in()
    prepare(person, made)
    person.page.wait_for_timeout(500)
    person.page.screenshot(path=file, full_page=True)


def _let_go() -> None:
    while _held:
        with suppress(Error):
            _held.pop().abort()


if __name__ == "__main__":
    main()
