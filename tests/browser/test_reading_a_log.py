"""Reading a log: its levels, links to lines and steps, what is copied, what is selected, and what left at its beginning."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from connection_manager.log_file import LogWriter
from tests.browser import sites
from tests.browser.person import DEPLOY_MILLISECONDS, Person
from tests.engine.harness import Repository

pytestmark = [pytest.mark.browser, pytest.mark.engine, pytest.mark.timeout(600)]

CLIPBOARD = {"permissions": ["clipboard-read", "clipboard-write"]}
FAILING = {"Dockerfile": "FROM python:3.11-slim\nRUN cat no-such-file\n"}


@contextmanager
def more_of(person: Person, release_id: int) -> Iterator[Callable[..., int]]:
    """Lets a test add lines to the log of a release that has ended; the number of each is given back."""
    writer = LogWriter(person.client.server.data_dir / "logs" / f"{release_id}.ndjson")

    def add(text: str, **more: Any) -> int:
        plain = {"time": "2024-01-15T10:30:00Z", "kind": "line", "stage": "build", "seconds": None, "detail": {}}
        return writer.append({**plain, "text": text, **more})

    yield add
    writer.close()


def row(page: Page, number: int) -> Locator:
    return page.locator(f".deployment .log__row[data-seq='{number}']")


def numbers(page: Page, kind: str = "") -> list[int]:
    found = page.locator(f".deployment .log__row{kind}").evaluate_all(
        "rows => rows.map(row => Number(row.dataset.seq))"
    )
    return [int(one) for one in found]


def test_levels_leave_the_lines_that_matter_and_their_numbers(person: Person, repository: Repository) -> None:
    repository.commit(sites.page())
    deployed = person.client.deploy(repository)
    with more_of(person, deployed["release_id"]) as add:
        bad = [
            add('{"level":"error","msg":"json"}'),
            add("<11>syslog"),
            add("level=error msg=logfmt"),
            add("ERROR: words"),
        ]
        mild = [add('{"level":40,"msg":"pino"}'), add("npm warn deprecated left-pad")]
        add("The log is cut here.", kind="warning", detail={"cut": True})
    page = person.open_app(deployed["container_name"])
    chips = page.locator(".deployment .log__levels")
    person.log_state("Truncated")
    before = int(chips.get_by_role("button", name="Errors").inner_text().split()[-1])
    chips.get_by_role("button", name="Errors").click()
    expect(row(page, bad[0])).to_be_visible()
    assert set(bad) <= set(numbers(page)) and not set(mild) & set(numbers(page))
    assert len(numbers(page)) == before
    expect(page.locator(".deployment .log__count")).to_contain_text(f"{before} of ")
    chips.get_by_role("button", name="Warnings").click()
    expect(row(page, mild[0])).to_be_visible()
    page.evaluate("scrollTo(0, 0)")  # what lies under the header of glass cannot be measured
    person.assert_accessible("a log of which some levels are shown")
    page.get_by_role("searchbox", name="Search the build log").fill("json")
    expect(page.locator(".deployment .log__matches")).to_have_text("1 of 1")
    chips.get_by_role("button", name="All").click()
    expect(page.locator(".deployment .log__count")).not_to_contain_text(" of ")


def test_lines_are_linked_to_from_one_to_another(make_person: Callable[..., Person], repository: Repository) -> None:
    person = make_person(**CLIPBOARD)
    repository.commit(sites.page())
    name = person.client.deploy(repository)["container_name"]
    page = person.open_app(name)
    person.log_state("Ended")
    page.locator(".deployment .log__scroll").evaluate("box => { box.scrollTop = 0; }")
    row(page, 4).locator(".log__number").click()
    assert page.url.endswith("#L4")
    row(page, 9).locator(".log__number").click(modifiers=["Shift"])
    assert page.url.endswith("#L4-L9")
    expect(page.locator(".deployment .log__range")).to_contain_text("Lines 4 to 9")
    assert numbers(page, "[data-linked]") == [4, 5, 6, 7, 8, 9]
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == page.url
    page.reload()
    expect(row(page, 9)).to_have_attribute("data-linked", "")
    assert numbers(page, "[data-linked]") == [4, 5, 6, 7, 8, 9]
    page.get_by_role("button", name="Copy", exact=True).first.click()
    expect(page.locator(".toast")).to_contain_text("6 lines were copied")
    wanted = [row(page, number).locator(".log__text").inner_text() for number in range(4, 10)]
    assert page.evaluate("navigator.clipboard.readText()").split("\n") == wanted
    other = person.context.new_page()
    other.goto(link)
    expect(row(other, 4)).to_be_in_viewport()
    expect(row(other, 4)).to_have_attribute("data-linked", "")
    page.get_by_role("searchbox", name="Search the build log").fill("L2-L3")
    page.keyboard.press("Enter")
    expect(page.locator(".deployment .log__range")).to_contain_text("Lines 2 to 3")
    page.get_by_role("button", name="Clear the marked lines").click()
    assert "#" not in page.url
    expect(page.locator(".log__row[data-linked]")).to_have_count(0)


SELECT = """row => {
    const text = row.querySelector('.log__text');
    row.dataset.isOld = 'yes';
    getSelection().setBaseAndExtent(text.firstChild, 0, text.firstChild, text.firstChild.length);
}"""


def test_what_is_selected_stays_while_lines_come_and_can_be_copied(
    make_person: Callable[..., Person], repository: Repository
) -> None:
    person = make_person(**CLIPBOARD)
    repository.commit(sites.server(steps=sites.slow(200, 12)))
    name = person.begin(repository.url)
    page = person.open_app(name)
    page.set_viewport_size({"width": 1280, "height": 640})
    person.wait_for_work(30)
    chosen = page.locator(".deployment .log__row", has_text="work ").last
    number, text = chosen.evaluate("row => [row.dataset.seq, row.querySelector('.log__text').innerText]")
    row(page, int(number or 0)).evaluate(SELECT)
    expect(page.locator(".deployment .log__pill")).to_contain_text("new line")
    top = page.locator(".deployment .log__scroll").evaluate("box => box.scrollTop")
    page.wait_for_timeout(1_000)
    assert page.locator(".deployment .log__scroll").evaluate("box => box.scrollTop") == top
    expect(page.locator(f".log__row[data-seq='{number}'][data-is-old]")).to_have_count(1)
    assert page.evaluate("String(getSelection())") == text
    page.get_by_role("button", name="Copy", exact=True).first.click()
    expect(page.locator(".toast")).to_contain_text("The selected text was copied")
    assert page.evaluate("navigator.clipboard.readText()") == text
    page.evaluate("getSelection().removeAllRanges()")
    expect(page.locator(".deployment .log__pill")).to_be_hidden()
    expect(page.get_by_role("button", name="Follow").first).to_have_attribute("aria-pressed", "true")
    person.log_state("Ended")


def test_a_step_has_an_address_and_tells_how_long_it_takes_usually(person: Person, repository: Repository) -> None:
    repository.commit(sites.server(steps=sites.slow(20, 3)))
    name = person.client.deploy(repository)["container_name"]
    repository.commit(sites.server(steps=sites.slow(60, 6)))
    assert person.client.post(f"/deployments/{name}/redeploy", headers={"Prefer": "respond-async"}).status_code == 202
    page = person.open_app(name)
    build = page.locator(".steps__group[data-step=build]")
    expect(build).to_contain_text("usually ")
    icon = page.locator("link[rel=icon]")
    expect(icon).to_have_attribute("data-state", "busy")
    person.log_state("Ended")
    expect(build).not_to_contain_text("usually")
    expect(icon).to_have_attribute("data-state", "live")
    expect(page).to_have_title("Live · octo/shop · DevOps Butler")
    page.locator(".steps__group[data-step=detect] summary").click()
    page.get_by_role("link", name="Find out what it is").click()
    assert page.url.endswith("#step-detect")
    expect(page.locator(".log__row[data-linked]")).to_have_attribute("data-kind", "stage-started")
    page.reload()
    expect(page.locator(".steps__group[data-step=detect] details")).to_have_attribute("open", "")
    expect(page.locator(".log__row[data-linked]")).to_contain_text("Finding out")


def test_a_step_that_failed_opens_at_its_error(person: Person, repository: Repository) -> None:
    repository.commit(FAILING)
    answer = person.client.post("/deploy", data={"git_url": repository.url})
    assert answer.status_code == 422, answer.text
    name = person.client.get("/deployments").json()[0]["container_name"]
    page = person.open_app(name, at="step-build")
    failed = page.locator(".log__row[data-linked]")
    expect(failed).to_contain_text("No such file or directory")
    expect(page.locator("link[rel=icon]")).to_have_attribute("data-state", "failed")
    assert page.title().startswith("Build failed")
    number = failed.get_attribute("data-seq")
    page.get_by_role("button", name="Clear the marked lines").click()
    page.get_by_role("link", name="Build the image").click()
    expect(page.locator(".log__row[data-linked]")).to_have_attribute("data-seq", number or "")


def test_lines_that_left_at_the_beginning_are_loaded_again(person: Person, repository: Repository) -> None:
    repository.commit(sites.page())
    deployed = person.client.deploy(repository)
    with more_of(person, deployed["release_id"]) as add:
        last = [add(f"ERROR {number}" if number % 1000 == 0 else f"step {number}") for number in range(201_000)][-1]
    page = person.open_app(deployed["container_name"])
    person.log_state("Ended", timeout=120_000)
    expect(row(page, last)).to_be_visible()
    count = page.locator(".deployment .log__count")
    held = int(count.inner_text().split()[0].replace(",", ""))
    assert held < last
    first = last - held + 1
    scroller = page.locator(".deployment .log__scroll")
    scroller.dispatch_event("wheel", {"deltaY": -1})
    scroller.evaluate("box => { box.scrollTop = 0; }")
    expect(row(page, first)).to_be_visible()
    page.get_by_role("button", name="Load earlier lines").click()
    expect(count).to_have_text(f"{held + 5_000:,} lines")
    expect(row(page, first)).to_be_in_viewport()
    scroller.evaluate("box => { box.scrollTop = 0; }")
    expect(row(page, first - 5_000)).to_be_visible()
    page.locator(".log__levels").first.get_by_role("button", name="Errors").click()
    expect(count).to_contain_text(" of ")
    page.get_by_role("button", name="Wrap").first.click()
    expect(page.locator(".deployment .log__row").first).to_contain_text("ERROR")


def test_a_log_fills_the_screen_and_leaves_it(person: Person, repository: Repository) -> None:
    repository.commit(sites.page())
    name = person.client.deploy(repository)["container_name"]
    page = person.open_app(name)
    person.log_state("Ended", timeout=DEPLOY_MILLISECONDS)
    before = page.locator(".deployment .log__scroll").evaluate("box => box.clientHeight")
    page.get_by_role("button", name="Full screen").first.click()
    page.wait_for_function("document.fullscreenElement?.matches('.log')")
    page.wait_for_function(
        "before => document.querySelector('.log__scroll').clientHeight > innerHeight - 200"
        " && document.querySelector('.log__scroll').clientHeight > before",
        arg=before,
    )
    page.get_by_role("button", name="Full screen").first.click()
    page.wait_for_function("!document.fullscreenElement")
    page.wait_for_function("before => document.querySelector('.log__scroll').clientHeight === before", arg=before)
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Full screen"
