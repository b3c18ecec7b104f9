"""`--set` and `--overrides`: what is sent for them, what is wrong usage; and requests that are sent again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import httpx2
import pytest
import stamina

from cli.api import Api
from cli.credentials import SessionFile
from cli.failures import ExitCode, Failure
from cli.overrides import Overrides
from cli.server import Server
from tests.unit.fake_butler import FakeButler
from tests.unit.test_butler_file import EXPRESS, repository
from tests.unit.test_cli import DONE, NAME, STARTED, Run, butler, deploys, one_object, run

__all__ = ["butler", "run"]
URL = "https://github.com/octo/site"


def sent(butler: FakeButler, path: str = "/deploy") -> str:
    return butler.ask("POST", path).body.decode()


# --- what is sent ---


def test_deploy_sends_what_was_set(run: Run, butler: FakeButler) -> None:
    deploys(butler, DONE)
    assert run("deploy", URL, "--set", "run.port=3000", "--set", "build.command=A=1 npm run build").exit_code == 0
    [field] = [part for part in httpx2.QueryParams(sent(butler)).multi_items() if part[0] == "overrides"]
    assert json.loads(field[1]) == {"run": {"port": "3000"}, "build": {"command": "A=1 npm run build"}}


def test_deploy_sends_no_overrides_where_none_are_typed(run: Run, butler: FakeButler) -> None:
    deploys(butler, DONE)
    run("deploy", URL)
    assert "overrides" not in sent(butler)


def test_a_file_goes_as_it_is_so_that_its_lines_can_be_told(run: Run, butler: FakeButler, tmp_path: Path) -> None:
    deploys(butler, DONE)
    file = tmp_path / "mine.yml"
    file.write_text("# mine\nrun:\n  port: 1\n")
    run("deploy", URL, "--overrides", str(file))
    assert httpx2.QueryParams(sent(butler))["overrides"] == "# mine\nrun:\n  port: 1\n"


def test_an_empty_file_is_sent_too_it_clears_them(run: Run, butler: FakeButler, tmp_path: Path) -> None:
    deploys(butler, DONE)
    (tmp_path / "none.yml").write_text("")
    run("deploy", URL, "--overrides", str(tmp_path / "none.yml"))
    assert "overrides=" in sent(butler)


def test_what_is_set_beats_the_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.yml"
    file.write_text("run: {port: 1, command: make run}\nrelease: migrate\n")
    text = Overrides(["run.port=2", "release=other", "env.A.value=x=y"], file).text()
    assert json.loads(text or "") == {
        "run": {"port": "2", "command": "make run"},
        "release": "other",
        "env": {"A": {"value": "x=y"}},
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run.port"], "--set 'run.port' is not of the form KEY=VALUE."),
        (["=3"], "--set '=3' is not of the form KEY=VALUE."),
        (["run..port=3"], "--set 'run..port=3' is not of the form KEY=VALUE."),
        (["run.port=1", "run.port=2"], "--set run.port is there twice."),
        (["run=1", "run.port=2"], "--set run and --set run.port cannot both be."),
    ],
)
def test_what_cannot_be_set_is_wrong_usage(run: Run, butler: FakeButler, words: list[str], message: str) -> None:
    result = run("deploy", URL, *(part for word in words for part in ("--set", word)))
    assert (result.exit_code, message in result.stderr) == (2, True)
    assert not [one for one in butler.asked if one.method == "POST"]


def test_mistakes_in_a_file_are_told_with_their_lines_also_beside_set(tmp_path: Path, run: Run) -> None:
    file = tmp_path / "mine.yml"
    file.write_text("run:\n  prot: 1\n")
    result = run("deploy", URL, "--overrides", str(file), "--set", "release=x")
    assert result.exit_code == 1
    assert "overrides:2: run.prot is not a key; did you mean run.port?" in result.stderr


# --- plan ---


def test_a_folder_is_planned_with_overrides_and_each_value_says_so(run: Run, tmp_path: Path) -> None:
    folder = str(repository(tmp_path, EXPRESS))
    plan = one_object(run("plan", folder, "--json", "--set", "run.port=4000", "--set", "build.version=20"))
    assert (plan["port"], plan["version"]) == (4000, "20")
    assert {"field": "port", "value": "4000", "source": "run.port in the request"} in plan["evidence"]
    shown = run("plan", folder, "--set", "build.version=20")
    assert "from build.version in the request" in shown.stdout


def test_a_wrong_key_of_a_planned_folder_is_a_plan_without_one(run: Run, tmp_path: Path) -> None:
    folder = str(repository(tmp_path, EXPRESS))
    result = run("plan", folder, "--json", "--set", "run.prot=1")
    assert (result.exit_code, one_object(result)["error"]["code"]) == (1, "overrides-invalid")
    assert "did you mean run.port?" in run("plan", folder, "--set", "run.prot=1").stderr


def test_an_address_is_planned_with_overrides_by_the_server(run: Run, butler: FakeButler) -> None:
    run("plan", URL, "--set", "run.port=4000")
    assert json.loads(httpx2.QueryParams(sent(butler, "/api/plan"))["overrides"]) == {"run": {"port": "4000"}}


def test_the_help_of_both_commands_names_them(run: Run) -> None:
    for command in ("deploy", "plan"):
        shown = run(command, "--help").stdout
        assert "--set" in shown and "KEY=VALUE" in shown and "--overrides" in shown and "butler.yml" in shown


# --- sent again ---


def test_each_deployment_has_a_key_of_its_own(run: Run, butler: FakeButler) -> None:
    deploys(butler, DONE)
    butler.on("POST", f"/deployments/{NAME}/redeploy", 202, STARTED)
    run("deploy", URL)
    run("deploy", URL)
    run("redeploy", NAME, "--detach")
    keys = [one.headers["Idempotency-Key"] for one in butler.asked if one.method == "POST"]
    assert len({UUID(key) for key in keys}) == 3


class Line:
    """A network that fails as it is told to, and then works."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.keys: list[str | None] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.keys.append(request.headers.get("Idempotency-Key"))
        if self.failures:
            raise self.failures.pop(0)
        return httpx2.Response(202, json=STARTED)


@pytest.fixture
def no_pauses() -> Iterator[None]:
    """No pause is waited for; there are as many attempts as always."""
    with stamina.set_testing(True, attempts=99, cap=True):
        yield


def post(line: Line, folder: Path, **headers: str) -> httpx2.Response:
    api = Api(Server("http://butler.test", "t"), SessionFile(folder), httpx2.MockTransport(line))
    return api.request("POST", "/deploy", headers=headers)


@pytest.mark.usefixtures("no_pauses")
def test_a_broken_connection_is_tried_again_with_the_same_key(tmp_path: Path) -> None:
    line = Line(httpx2.ReadError("reset"), httpx2.ConnectError("refused"), httpx2.RemoteProtocolError("gone"))
    assert post(line, tmp_path, **{"Idempotency-Key": "k"}).status_code == 202
    assert line.keys == ["k"] * 4


@pytest.mark.usefixtures("no_pauses")
def test_a_connection_that_stays_broken_is_told(tmp_path: Path) -> None:
    line = Line(*(httpx2.ReadError("reset") for _ in range(9)))
    with pytest.raises(Failure) as failure:
        post(line, tmp_path, **{"Idempotency-Key": "k"})
    assert failure.value.exit_code is ExitCode.UNREACHABLE
    assert len(line.keys) == 4


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize(
    ("error", "code"),
    [(httpx2.ConnectError("refused"), ExitCode.UNREACHABLE), (httpx2.ReadTimeout("slow"), ExitCode.TIMEOUT)],
)
def test_a_server_that_is_not_there_or_too_slow_is_told_at_once(
    tmp_path: Path, error: Exception, code: ExitCode
) -> None:
    line = Line(error)
    with pytest.raises(Failure) as failure:
        post(line, tmp_path, **{"Idempotency-Key": "k"})
    assert (failure.value.exit_code, len(line.keys)) == (code, 1)


@pytest.mark.usefixtures("no_pauses")
def test_what_has_no_key_is_not_sent_again(tmp_path: Path) -> None:
    line = Line(httpx2.ReadError("reset"))
    with pytest.raises(Failure):
        post(line, tmp_path)
    assert len(line.keys) == 1
