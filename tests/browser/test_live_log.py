"""The log in the browser: complete after a reload, a restart and a log-in again; fast when long; text whatever it holds."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from connection_manager.log_file import LogWriter
from tests.browser import sites
from tests.browser.person import DEPLOY_MILLISECONDS, PASSWORD, Person
from tests.engine.harness import Client, Repository, Server

pytestmark = [pytest.mark.browser, pytest.mark.engine, pytest.mark.timeout(600)]

HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"


def whole_log(client: Client, name: str) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    while True:
        page = client.get(f"/deployments/{name}/logs", params={"after": len(lines), "limit": 5000}).json()
        lines += page["lines"]
        if len(page["lines"]) < 5000:
            return lines


def lines_shown(page: Page) -> int:
    return int(page.locator(".deployment .log__count").inner_text().split()[0].replace(",", ""))


def every_row(page: Page) -> dict[int, str]:
    """All rows of the log, collected by scrolling through it."""
    rows: dict[int, str] = {}
    scroller = page.locator(".deployment .log__scroll")
    scroller.evaluate("box => { box.scrollTop = 0; }")
    while True:
        page.wait_for_timeout(60)
        found = page.locator(".deployment .log__row").evaluate_all(
            "rows => rows.map(row => [Number(row.dataset.seq), row.querySelector('.log__text').textContent])"
        )
        rows.update({seq: text for seq, text in found})
        if scroller.evaluate(
            "box => { const before = box.scrollTop; box.scrollTop += box.clientHeight; return before === box.scrollTop; }"
        ):
            return rows


def assert_whole(person: Person, name: str) -> None:
    wanted = {line["seq"]: line["text"] for line in whole_log(person.client, name)}
    person.page.wait_for_timeout(300)
    assert lines_shown(person.page) == len(wanted)
    rows = every_row(person.page)
    assert sorted(rows) == sorted(wanted)
    assert [seq for seq in wanted if rows[seq].split() != wanted[seq].split()] == []


def test_a_reload_in_the_middle_of_a_deployment_loses_no_line(person: Person, repository: Repository) -> None:
    repository.commit(sites.server(steps=sites.slow(150, 7)))
    name = person.begin(repository.url)
    page = person.open_app(name)
    person.wait_for_work(20)
    running = page.locator(".steps__group[data-state=running]")
    expect(running).to_contain_text("Build")
    before = running.locator(".steps__time").first.inner_text()
    page.reload()
    person.wait_for_work(40)
    assert running.locator(".steps__time").first.inner_text() != before
    person.log_state("Ended")
    expect(person.badge("Live")).to_be_visible()
    assert_whole(person, name)


def test_a_restart_of_the_server_in_the_middle_is_recovered_from(
    make_dashboard: Callable[..., Server], make_person: Callable[..., Person], repository: Repository
) -> None:
    server = make_dashboard()
    person = make_person(server)
    repository.commit(sites.server(steps=sites.slow(300, 20)))
    name = person.begin(repository.url)
    page = person.open_app(name)
    person.wait_for_work(20)
    seen = lines_shown(page)
    server.stop(kill=True)
    person.log_state(re.compile("Reconnecting"))
    server.start()
    person.log_state("Ended", timeout=60_000)
    assert lines_shown(page) >= seen
    expect(page.locator(".failure")).to_be_visible(timeout=30_000)
    assert_whole(person, name)
    repository.commit(sites.server(body="Back"))
    page.get_by_role("button", name="Redeploy").click()
    expect(person.badge("Live")).to_be_visible(timeout=DEPLOY_MILLISECONDS)


def test_a_session_that_ends_during_a_deployment_is_asked_for_in_place(
    make_dashboard: Callable[..., Server], make_person: Callable[..., Person], repository: Repository
) -> None:
    person = make_person(make_dashboard())
    repository.commit(sites.server(steps=sites.slow(200, 14)))
    name = person.begin(repository.url)
    page = person.open_app(name)
    person.wait_for_work(10)
    page.get_by_role("searchbox", name="Search the build log").fill("work 1")
    answer = person.client.post("/api/auth/logout", json={"everywhere": True})
    assert answer.status_code in (200, 204), answer.text
    page.evaluate(
        "() => { const one = JSON.parse(localStorage.getItem('butler.session')); one.expiresAt = 0;"
        " localStorage.setItem('butler.session', JSON.stringify(one)); }"
    )
    page.get_by_role("tab", name="Releases").click()
    dialog = page.get_by_role("dialog", name="Log in again")
    expect(dialog).to_be_visible(timeout=60_000)
    dialog.get_by_label("User name or e-mail").fill(person.client.name)
    dialog.get_by_label("Password", exact=True).fill(PASSWORD)
    dialog.get_by_role("button", name="Log in and go on").click()
    expect(dialog).to_have_count(0)
    page.get_by_role("tab", name="Deployment").click()
    expect(page.get_by_role("searchbox", name="Search the build log")).to_have_value("work 1")
    person.log_state("Ended")
    body = {"username": person.client.name, "password": PASSWORD}
    token = person.client.post("/api/auth/login", json=body).json()["access_token"]
    person.client.headers["Authorization"] = f"Bearer {token}"
    assert_whole(person, name)


def test_a_hundred_thousand_lines_stay_smooth_and_can_be_searched(person: Person, repository: Repository) -> None:
    repository.commit(sites.page())
    deployed = person.client.deploy(repository)
    writer = LogWriter(person.client.server.data_dir / "logs" / f"{deployed['release_id']}.ndjson")
    for number in range(100_000):
        text = f"\x1b[3{number % 8}mstep {number}\x1b[0m of a very long build, with some words to fill the line"
        writer.append(
            {
                "time": "2024-01-15T10:30:00Z",
                "kind": "line",
                "stage": "build",
                "text": text,
                "seconds": None,
                "detail": {},
            }
        )
    last = writer.last_seq
    writer.close()
    began = time.monotonic()
    page = person.open_app(deployed["container_name"])
    expect(page.locator(".deployment .log__count")).to_have_text(f"{last:,} lines", timeout=60_000)
    assert time.monotonic() - began < 30
    expect(page.locator(f".log__row[data-seq='{last}']")).to_be_visible()
    assert page.locator(".deployment .log__row").count() < 200
    slowest = page.evaluate(
        """async () => {
            const box = document.querySelector('.deployment .log__scroll');
            box.dispatchEvent(new WheelEvent('wheel', { deltaY: -1 }));
            const frames = [];
            let before = performance.now();
            for (let step = 0; step < 60; step += 1) {
                box.scrollTop = (box.scrollHeight * step) / 60;
                await new Promise(requestAnimationFrame);
                const now = performance.now();
                frames.push(now - before);
                before = now;
            }
            return frames.sort((one, other) => one - other)[Math.floor(frames.length * 0.95)];
        }"""
    )
    assert slowest < 200, f"a frame took {slowest:.0f} ms"
    page.get_by_role("searchbox", name="Search the build log").fill("step 4242 ")
    expect(page.locator(".deployment .log__matches")).to_have_text("1 of 1")
    expect(page.locator(".log__row[data-current]")).to_contain_text("step 4242 of a very long build")
    page.get_by_role("button", name="Wrap").click()
    expect(page.locator(".log__row[data-current]")).to_be_visible()


def test_markup_in_a_log_line_stays_text(person: Person, repository: Repository) -> None:
    repository.commit({**sites.page(), "hostile.html": HOSTILE}, f"Add {HOSTILE}")
    deployed = person.client.deploy(repository, env="TITLE=<img src=x onerror=alert(1)>\n")
    writer = LogWriter(person.client.server.data_dir / "logs" / f"{deployed['release_id']}.ndjson")
    for text in (HOSTILE, f"\x1b[31m{HOSTILE}\x1b[0m", "\x1b]8;;javascript:alert(1)\x07click\x1b]8;;\x07"):
        writer.append(
            {"time": "2024-01-15T10:30:00Z", "kind": "line", "stage": None, "text": text, "seconds": None, "detail": {}}
        )
    writer.close()
    page = person.open_app(deployed["container_name"])
    expect(page.locator(".log__row", has_text="onerror")).not_to_have_count(0)
    expect(page.locator(".log__row", has_text=HOSTILE)).to_have_count(2)
    assert page.locator(".log img, .log script, .log a:not(.log__number), .apphead img").count() == 0
    expect(page.locator(".apphead")).to_contain_text("<img src=x")
    for tab in ("Releases", "Environment"):
        page.get_by_role("tab", name=tab).click()
        page.wait_for_timeout(500)
        if tab == "Environment":
            page.get_by_role("button", name="Show the value of TITLE").click()
            expect(page.locator(".var")).to_contain_text("<img src=x onerror=alert(1)>")
        assert page.locator("main img, main script").count() == 0
    person.open("/applications")
    expect(page.locator(".app")).to_contain_text("<img src=x")
    assert page.locator("main img").count() == 0
    assert "owned" not in page.title()


def test_a_log_is_followed_paused_and_linked_to(person: Person, repository: Repository) -> None:
    repository.commit(sites.server(steps=sites.slow(240, 12)))
    name = person.begin(repository.url)
    page = person.open_app(name)
    page.set_viewport_size({"width": 1280, "height": 640})
    person.wait_for_work(30)
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".deployment .log__state")).to_contain_text("waiting")
    paused = lines_shown(page)
    page.wait_for_timeout(700)
    assert lines_shown(page) == paused
    page.get_by_role("button", name="Pause").click()
    page.locator(".deployment .log__scroll").hover()
    page.mouse.wheel(0, -400)
    expect(page.get_by_role("button", name="Follow")).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".deployment .log__pill")).to_contain_text("new line")
    page.locator(".deployment .log__pill").click()
    expect(page.get_by_role("button", name="Follow")).to_have_attribute("aria-pressed", "true")
    person.log_state("Ended")
    page.locator(".deployment .log__number[data-number]").first.click()
    assert "#L" in page.url
    page = person.open_app(name, at="L12")
    expect(page.locator(".log__row[data-linked]")).to_have_attribute("data-seq", "12")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").first.click()
    text = download.value.path().read_text()
    assert [f"work {number} of 240" in text for number in (1, 120, 240)] == [True] * 3
    assert len(text.splitlines()) == len(whole_log(person.client, name))


TICKING = """
import threading, time
def tick():
    for number in range(1, 10_000):
        print("tick", number, flush=True)
        time.sleep(0.1)
threading.Thread(target=tick, daemon=True).start()
"""


def test_what_the_app_writes_is_live_and_goes_on_exactly_after_a_restart_of_the_server(
    make_dashboard: Callable[..., Server], make_person: Callable[..., Person], repository: Repository
) -> None:
    server = make_dashboard()
    person = make_person(server)
    repository.commit(sites.server(before=TICKING))
    name = person.client.deploy(repository, env="SECRET=correct-horse-battery\n")["container_name"]
    page = person.open_app(name, tab="log")
    panel = page.get_by_role("region", name="App log", exact=True)
    expect(panel.locator(".log__state")).to_have_text("Live")
    first = panel.locator(".log__row").last.inner_text()
    expect(panel.locator(".log__row").last).not_to_have_text(first)
    panel.get_by_label("Times").select_option("absolute")
    expect(panel.locator(".log__time").last).to_contain_text(":")
    server.stop()
    expect(panel.locator(".log__state")).to_contain_text("Reconnecting")
    server.start()
    expect(panel.locator(".log__state")).to_have_text("Live", timeout=30_000)
    page.get_by_role("tab", name="Releases").click()
    page.wait_for_timeout(1_000)
    page.get_by_role("tab", name="App log").click()
    page.wait_for_timeout(1_500)
    page.get_by_role("button", name="Pause").last.click()
    shown = panel.locator(".log__scroll").evaluate(
        """async box => {
            const found = new Map();
            box.scrollTop = 0;
            for (;;) {
                await new Promise(resolve => setTimeout(resolve, 50));
                for (const row of box.querySelectorAll('.log__row')) {
                    found.set(row.dataset.seq, row.querySelector('.log__text').textContent);
                }
                const before = box.scrollTop;
                box.scrollTop += box.clientHeight;
                if (before === box.scrollTop) return [...found].sort((a, b) => a[0] - b[0]).map(([, text]) => text);
            }
        }"""
    )
    ticks = [int(text.split()[1]) for text in shown if text.startswith("tick")]
    assert len(ticks) > 50
    assert ticks == list(range(ticks[0], ticks[0] + len(ticks)))
