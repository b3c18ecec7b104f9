"""The shipped sample is a repository that everybody may deploy, and a way to nothing else."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from domain import DeployRequest, Event
from robust_error_handler import BadRequest, Code, DeploymentFailed
from settings import Settings
from workspace import SAMPLE_ADDRESS, clone, container_name_for, parse_git_url, sample


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, data_dir=tmp_path / "data")


def request() -> DeployRequest:
    return DeployRequest(git_url=SAMPLE_ADDRESS, container_name="app", user_id=1, trace_id="0" * 32)


async def files_of_the_clone(settings: Settings) -> set[str]:
    def unheard(_event: Event) -> None:
        """Nobody reads this log."""

    async with clone(request(), unheard, settings) as checkout:
        return set(checkout.workspace.files())


async def test_it_is_cloned_where_local_repositories_are_not_allowed(settings: Settings) -> None:
    assert not settings.allow_local_repositories
    assert {"app.py", "page.html", "requirements.txt"} <= await files_of_the_clone(settings)


async def test_two_who_want_it_at_once_get_the_same_one(settings: Settings) -> None:
    address = parse_git_url(SAMPLE_ADDRESS, settings)
    one, other = await asyncio.gather(*(sample.where_it_lies(address, settings) for _ in range(2)))
    assert one.url == other.url
    assert [path.name[:12] for path in (settings.data_dir / "samples").iterdir()] == ["hello-butler"]


async def test_a_sample_that_was_changed_by_an_update_is_made_anew(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = parse_git_url(SAMPLE_ADDRESS, settings)
    before = await sample.where_it_lies(address, settings)
    changed = tmp_path / "examples" / "hello-butler"
    changed.mkdir(parents=True)
    (changed / "index.html").write_text("<h1>Hello</h1>")
    monkeypatch.setattr(sample, "SAMPLE", changed)
    assert (await sample.where_it_lies(address, settings)).url != before.url
    assert await files_of_the_clone(settings) >= {"index.html"}


@pytest.mark.parametrize(
    "text",
    [
        "butler://samples/../../etc",
        "butler://samples/hello-butler/../other",
        "butler://samples/other",
        "butler://other/hello-butler",
        "butler://samples/hello-butler?x",
    ],
)
def test_no_other_place_has_such_an_address(settings: Settings, text: str) -> None:
    with pytest.raises(BadRequest):
        parse_git_url(text, settings)


def test_its_address_says_nothing_about_the_server(settings: Settings) -> None:
    address = parse_git_url(f"  {SAMPLE_ADDRESS}\n", settings)
    assert address.url == SAMPLE_ADDRESS
    assert container_name_for(address).startswith("samples-hello-butler-")


async def test_without_the_sample_it_says_so(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample, "SAMPLE", tmp_path / "none")
    with pytest.raises(DeploymentFailed) as caught:
        await sample.where_it_lies(parse_git_url(SAMPLE_ADDRESS, settings), settings)
    assert caught.value.code is Code.CLONE_REFUSED
    assert not sample.is_shipped()
