"""The repository browser against a GitHub of one's own, which is itself held to GitHub's description."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import jsonschema_rs
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from github_client.cache import MOST_ANSWERS_OF_ONE_USER, Answer, AnswerCache, Question
from robust_error_handler import Code
from settings import Settings
from tests.fake_github import RESET_SECONDS, FakeGithub, Token, serve

Headers = dict[str, str]
ALICES, BOBS = "ghp_alicealicealice", "ghp_bobbobbobbob"
DESCRIPTION = json.loads((Path(__file__).parent.parent / "github_description.json").read_text())
README = {"README.md": "hello", "src/app.py": "print()", "src/deep/er.txt": "", ".env.example": "A="}


@pytest.fixture(scope="session")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return FakeGithub(tmp_path_factory.mktemp("seed"), 0).add("any/seed", README).bare


@pytest.fixture
def github(tmp_path: Path, seed: Path) -> Iterator[FakeGithub]:
    with serve(tmp_path / "github") as github:
        github.tokens[ALICES] = Token("alice")
        github.tokens[BOBS] = Token("bob")
        github.adopt("alice/shop", seed, description="Sells things", pushed_at="2024-03-01T00:00:00Z")
        github.adopt("alice/secret", seed, private=True, pushed_at="2024-02-01T00:00:00Z")
        github.adopt("acme/shared", seed, private=True, readers=("alice",), pushed_at="2024-01-01T00:00:00Z")
        github.adopt("bob/secret", seed, private=True)
        yield github


@pytest.fixture
def settings(settings: Settings, github: FakeGithub) -> Settings:
    return settings.model_copy(update={"github_api_url": github.url})


def store(client: TestClient, headers: Headers, token: str = ALICES) -> None:
    assert client.put("/api/auth/github-token", json={"token": token}, headers=headers).status_code == 200


@pytest.fixture
def ann(client: TestClient, alice: Headers) -> Headers:
    store(client, alice)
    return alice


def repositories(client: TestClient, headers: Headers, query: str = "") -> dict[str, Any]:
    answer = client.get(f"/api/github/repos{query}", headers=headers)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def names(client: TestClient, headers: Headers, query: str = "") -> list[str]:
    return [one["full_name"] for one in repositories(client, headers, query)["repositories"]]


def refusal(client: TestClient, headers: Headers, path: str = "repos") -> tuple[int, str, str]:
    answer = client.get(f"/api/github/{path}", headers=headers)
    error = answer.json()["error"]
    return answer.status_code, error["code"], f"{error['message']} {error['hint']}"


# --- the fake is what GitHub says it is


@pytest.mark.parametrize(
    ("path", "asked", "status"),
    [
        ("/user/repos", "/user/repos", 200),
        ("/user/repos", "/user/repos?per_page=1", 200),
        ("/repos/{owner}/{repo}/branches", "/repos/alice/secret/branches", 200),
        ("/repos/{owner}/{repo}/branches", "/repos/alice/none/branches", 404),
        ("/repos/{owner}/{repo}/contents/{path}", "/repos/alice/secret/contents/", 200),
        ("/repos/{owner}/{repo}/contents/{path}", "/repos/alice/secret/contents/README.md", 200),
        ("/repos/{owner}/{repo}/contents/{path}", "/repos/alice/secret/contents/none", 404),
    ],
)
def test_the_fake_answers_as_githubs_own_description_says(github: FakeGithub, path: str, asked: str, status: int):
    headers = {"Authorization": f"Bearer {ALICES}"}
    answer = httpx2.get(f"{github.url}{asked}", headers=headers, trust_env=False)
    assert answer.status_code == status
    schema = {**DESCRIPTION["answers"][path][str(status)], "components": DESCRIPTION["components"]}
    jsonschema_rs.validator_for(schema).validate(answer.json())


# --- repositories


def test_what_the_token_may_see_is_listed_with_what_was_pushed_to_last_first(client: TestClient, ann: Headers):
    page = repositories(client, ann)
    assert [one["full_name"] for one in page["repositories"]] == ["alice/shop", "alice/secret", "acme/shared"]
    first = page["repositories"][0]
    assert (first["owner"], first["name"], first["private"], first["description"]) == (
        "alice",
        "shop",
        False,
        "Sells things",
    )
    assert first["clone_url"].endswith("/alice/shop.git")
    assert (page["page"], page["next_page"], page["incomplete"], page["sees_private"]) == (1, None, False, True)


def test_pages_follow_one_another(client: TestClient, ann: Headers):
    seen: list[str] = []
    page: int | None = 1
    while page:
        body = repositories(client, ann, f"?per_page=2&page={page}")
        seen += [one["full_name"] for one in body["repositories"]]
        page = body["next_page"]
    assert seen == ["alice/shop", "alice/secret", "acme/shared"]


def test_a_search_looks_at_names_and_descriptions_of_all_pages(client: TestClient, ann: Headers, github: FakeGithub):
    for number in range(120):
        github.repos[f"alice/x{number}"] = github.repos["alice/shop"].__class__(
            f"alice/x{number}", github.repos["alice/shop"].bare, pushed_at=f"2025-01-01T00:00:{number % 60:02d}Z"
        )
    assert names(client, ann, "?search=SHARED") == ["acme/shared"]
    assert names(client, ann, "?search=sells") == ["alice/shop"]
    assert names(client, ann, "?search=nothing-of-that-kind") == []
    page = repositories(client, ann, "?search=alice/x&per_page=50&page=2")
    assert (len(page["repositories"]), page["next_page"]) == (50, 3)


def test_a_link_to_another_host_is_not_followed(client: TestClient, ann: Headers, github: FakeGithub):
    with serve(github.folder / "other") as other:
        github.link_host = other.url
        for number in range(120):
            github.repos[f"alice/x{number}"] = github.repos["alice/shop"]
        page = repositories(client, ann, "?search=shared")
        assert page["incomplete"] and other.asked == []


def test_a_token_without_the_scope_for_it_sees_no_private_repositories_and_that_is_said(
    client: TestClient, ann: Headers, github: FakeGithub
):
    github.tokens[ALICES].scopes = ("read:user",)
    page = repositories(client, ann)
    assert ([one["full_name"] for one in page["repositories"]], page["sees_private"]) == (["alice/shop"], False)
    github.tokens[ALICES].scopes = None
    assert repositories(client, ann, "?page=1&per_page=29")["sees_private"] is None


# --- branches and folders


def test_branches_are_listed(client: TestClient, ann: Headers, github: FakeGithub):
    github.push("alice/secret", {"x": ""}, branch="feature/one")
    body = client.get("/api/github/repos/alice/secret/branches", headers=ann).json()
    assert [(one["name"], one["protected"]) for one in body["branches"]] == [("feature/one", False), ("main", True)]
    assert re.fullmatch("[0-9a-f]{40}", body["branches"][0]["commit_sha"]) and body["next_page"] is None


def test_folders_are_listed_with_folders_first(client: TestClient, ann: Headers):
    root = client.get("/api/github/repos/alice/secret/contents", headers=ann).json()
    assert [(one["name"], one["type"]) for one in root["entries"]] == [
        ("src", "dir"),
        (".env.example", "file"),
        ("README.md", "file"),
    ]
    below = client.get("/api/github/repos/alice/secret/contents?path=src&ref=main", headers=ann).json()
    assert [one["path"] for one in below["entries"]] == ["src/deep", "src/app.py"]
    assert (below["path"], below["ref"]) == ("src", "main")


def test_an_empty_repository_has_an_empty_folder(client: TestClient, ann: Headers, github: FakeGithub):
    github.add("alice/empty")
    assert client.get("/api/github/repos/alice/empty/contents", headers=ann).json()["entries"] == []
    assert client.get("/api/github/repos/alice/empty/branches", headers=ann).json()["branches"] == []


def test_a_renamed_repository_is_found_under_its_new_name(client: TestClient, ann: Headers, github: FakeGithub):
    github.renamed["alice/old"] = "alice/secret"
    assert client.get("/api/github/repos/alice/old/branches", headers=ann).status_code == 200
    github.renamed["alice/away"] = "@evil.example/x"
    github.renamed["alice/loop"] = "alice/loop"
    assert refusal(client, ann, "repos/alice/loop/branches")[:2] == (503, "github-unavailable")


@pytest.mark.parametrize("path", ["../..", "/etc", "a/../../b", "a\\b", "-x"])
def test_a_path_that_leads_out_is_refused_here(client: TestClient, ann: Headers, github: FakeGithub, path: str):
    before = len(github.asked)
    answer = client.get("/api/github/repos/alice/secret/contents", params={"path": path}, headers=ann)
    assert answer.status_code in (404, 422) and all(".." not in asked for asked in github.asked[before:])


@pytest.mark.parametrize("place", ["./x", "../x", "alice/..", "al%2Fice/x", "alice/a%2Fb", "alice%3F/x", "-a/x"])
def test_a_repository_name_is_only_a_name(client: TestClient, ann: Headers, github: FakeGithub, place: str):
    before = len(github.asked)
    assert client.get(f"/api/github/repos/{place}/branches", headers=ann).status_code in (404, 422)
    assert github.asked[before:] == []


# --- refusals, told apart


def test_without_a_token_one_is_asked_for(client: TestClient, alice: Headers):
    assert refusal(client, alice)[:2] == (403, "github-token-missing")


def test_an_expired_token_does_not_end_the_session_here(client: TestClient, ann: Headers, github: FakeGithub):
    github.tokens[ALICES].is_expired = True
    status, code, words = refusal(client, ann)
    assert (status, code) == (403, "github-token-refused") and "expired" in words
    assert client.get("/api/auth/me", headers=ann).status_code == 200


def test_what_the_token_cannot_see_is_not_there_and_the_scope_is_named(
    client: TestClient, ann: Headers, github: FakeGithub
):
    assert refusal(client, ann, "repos/bob/secret/branches")[:2] == (404, "not-found")
    github.tokens[ALICES].scopes = ("read:user",)
    assert "scope `repo`" in refusal(client, ann, "repos/alice/secret/branches")[2]


def test_single_sign_on_is_named_with_its_organisation(client: TestClient, ann: Headers, github: FakeGithub):
    github.tokens[ALICES].needs_sso = True
    status, code, words = refusal(client, ann)
    assert (status, code) == (403, "github-forbidden") and "single sign-on of the organisation acme" in words


def test_a_rate_limit_says_when_to_come_back(client: TestClient, ann: Headers, github: FakeGithub):
    github.remaining = 0
    answer = client.get("/api/github/repos", headers=ann)
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "rate-limited")
    assert RESET_SECONDS - 5 <= int(answer.headers["retry-after"]) <= RESET_SECONDS + 1
    github.is_abused = True
    assert client.get("/api/github/repos", headers=ann).headers["retry-after"] == "17"


@pytest.mark.parametrize("body", [b"<html>", b"{}", b"[1]", b'[{"full_name": 1}]', b"[" * 100_000, b""])
def test_an_answer_that_makes_no_sense_is_githubs_fault(
    client: TestClient, ann: Headers, github: FakeGithub, body: bytes
):
    github.broken = body
    assert refusal(client, ann)[:2] == (503, "github-unavailable")


def test_a_very_large_answer_is_not_read_to_its_end(
    client: TestClient, ann: Headers, github: FakeGithub, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("github_client.client.MOST_BYTES", 1000)
    assert refusal(client, ann)[:2] == (503, "github-unavailable")


def test_a_github_that_does_not_answer_is_said(client: TestClient, alice: Headers, app: FastAPI):
    store(client, alice)
    app.state.butler.github._base = "http://127.0.0.1:9"
    status, code, words = refusal(client, alice)
    assert (status, code) == (503, Code.GITHUB_UNAVAILABLE) and ALICES not in words


# --- what was asked before


def test_what_has_not_changed_is_not_sent_again_and_costs_nothing(client: TestClient, ann: Headers, github: FakeGithub):
    first, left = names(client, ann), github.remaining
    assert names(client, ann) == first and (github.unchanged, github.remaining) == (1, left)
    github.add("alice/new", README, pushed_at="2030-01-01T00:00:00Z")
    assert names(client, ann)[0] == "alice/new"


def test_one_user_s_answers_are_never_another_s(client: TestClient, ann: Headers, bob: Headers, github: FakeGithub):
    names(client, ann)
    store(client, bob, BOBS)
    assert names(client, bob) == ["bob/secret"] and github.unchanged == 0
    store(client, ann, BOBS)
    assert names(client, ann) == ["bob/secret"]
    client.delete("/api/auth/github-token", headers=ann)
    assert refusal(client, ann)[:2] == (403, "github-token-missing")


def test_the_token_goes_to_github_alone_and_into_no_answer(client: TestClient, ann: Headers):
    assert ALICES not in client.get("/api/github/repos", headers=ann).text
    assert ALICES not in client.get("/api/auth/me", headers=ann).text


def test_what_is_kept_is_bounded_for_each_user():
    cache = AnswerCache()
    for number in range(MOST_ANSWERS_OF_ONE_USER + 40):
        cache.put(Question(1, "x", f"/{number}"), "tag", Answer(number, None, None))
        cache.get(Question(1, "x", "/0"))
    assert len(cache) == MOST_ANSWERS_OF_ONE_USER
    assert cache.get(Question(1, "x", "/0")) and not cache.get(Question(1, "x", "/1"))
    assert cache.get(Question(2, "x", "/0")) is None


# --- a private repository, through the whole way of a clone


async def test_a_private_repository_is_cloned_with_the_stored_token(github: FakeGithub, settings: Settings):
    from domain import DeployRequest, Secret
    from robust_error_handler import DeploymentFailed
    from workspace import clone

    reachable = settings.model_copy(update={"allowed_private_hosts": ("127.0.0.1",)})
    url = f"{github.url}/alice/secret.git"
    request = DeployRequest(git_url=url, container_name="alice-secret-1", user_id=1, github_token=Secret(ALICES))
    async with clone(request, lambda _event: None, reachable) as checkout:
        assert checkout.workspace.read_text("README.md") == "hello"
    for token in (None, Secret(BOBS)):
        foreign = DeployRequest(git_url=url, container_name="alice-secret-1", user_id=1, github_token=token)
        with pytest.raises(DeploymentFailed) as caught:
            async with clone(foreign, lambda _event: None, reachable):
                pass
        assert caught.value.code is Code.REPOSITORY_PRIVATE
