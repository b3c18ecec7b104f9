"""What butler.yml asks for around an app: variables before anything is built, and limits within the server's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from deploy_jobs import kept_values
from deploy_jobs.generated import generated_values
from docker_compose import GENERATED, app_folder, stack_of
from docker_compose.rewriting import rewrite
from domain import Commit, DeployRequest, Event, Evidence, Healthcheck, Kind, Outcome, Part, Plan, Variable
from robust_error_handler import Code, DeploymentFailed
from settings import Settings
from simple_pipeline.conditions import with_variables, within_limits

COMMIT = Commit("0123456789abcdef", "First", "Alice", "main", "89abcdef")


class Books:
    """A ledger that makes the values A1, B1, ..."""

    asked: Sequence[str] = ()

    async def host_port(self, *, instead_of: int | None = None, part: str = "") -> int:
        return 8080

    async def generated(self, names: Sequence[str]) -> Mapping[str, str]:
        self.asked = names
        return {name: f"{name}1" for name in names}

    async def record(self, outcome: Outcome) -> None:
        pass


def request(**fields: Mapping[str, str]) -> DeployRequest:
    return DeployRequest("https://x.test/a/b", "a-b-0123abcd", 1, **fields)  # type: ignore[arg-type]


def plan(*variables: Variable, **fields: object) -> Plan:
    return Plan("node", Kind.NODE, port=3000, declared=variables, **fields)  # type: ignore[arg-type]


def settings(folder: Path, **fields: object) -> Settings:
    return Settings(_env_file=None, data_dir=folder, **fields)  # type: ignore[arg-type, call-arg]


async def test_a_port_that_was_told_is_the_app_s_port_whatever_its_variables_say() -> None:
    given = request(backend_env={"PORT": "5000", "A": "1"})
    told = await with_variables(plan(is_port_told=True), given, Books())
    assert told.backend_env == {"PORT": "3000", "A": "1"}
    assert (await with_variables(plan(), given, Books())).backend_env["PORT"] == "5000"
    stack = Plan("compose", Kind.COMPOSE, port=3000, is_port_told=True)
    assert (await with_variables(stack, given, Books())).backend_env["PORT"] == "5000", "it is the file's own variable"
    absent = await with_variables(plan(is_port_told=True), request(backend_env={}), Books())
    assert absent.backend_env == {}


def test_what_is_more_than_the_server_gives_is_told_as_whose_wish_it_was(tmp_path: Path) -> None:
    events: list[Event] = []
    for source in ("resources.memory in the request", "resources.memory in butler.yml, line 2"):
        wanted = plan(memory="64g", evidence=(Evidence("memory", "64g", source),))
        within_limits(wanted, settings(tmp_path), events.append)
    assert [event.text.split(" asks")[0] for event in events] == ["The request", "butler.yml"]


async def test_what_nobody_gave_is_filled_in_and_what_was_given_stays() -> None:
    variables = (
        Variable("A", generator="secret"),
        Variable("B", value="5"),
        Variable("C", required=True),
        Variable("VITE_D", value="x", at_build=True),
    )
    books = Books()
    filled = await with_variables(plan(*variables), request(backend_env={"C": "given", "B": "mine"}), books)
    assert filled.backend_env == {"A": "A1", "B": "mine", "C": "given"}
    assert filled.frontend_env == {"VITE_D": "x"}
    assert (await with_variables(plan(*variables), request(backend_env={"A": "own", "C": "x"}), books)).backend_env[
        "A"
    ] == "own"
    assert books.asked == []


async def test_required_variables_are_missed_all_at_once_and_with_their_descriptions() -> None:
    variables = (Variable("C", True, "The database"), Variable("VITE_D", True, at_build=True), Variable("E"))
    with pytest.raises(DeploymentFailed) as failure:
        await with_variables(plan(*variables), request(), Books())
    assert failure.value.code is Code.MISSING_VARIABLE
    assert failure.value.message == "C, VITE_D are required by butler.yml. They have no value."
    assert failure.value.lines == ("C (backend_env): The database", "VITE_D (frontend_env): no description")


def test_limits_are_lowered_and_never_raised(tmp_path: Path) -> None:
    said: list[Event] = []
    server = settings(tmp_path, memory_limit="512m", cpu_limit=1.0, max_start_timeout_seconds=120)
    less = within_limits(plan(memory="256m", cpus=0.5), server, said.append)
    assert (less.memory_limit, less.cpu_limit, said) == ("256m", 0.5, [])
    check = Healthcheck("/up", timeout_seconds=600)
    more = within_limits(plan(memory="4g", cpus=8.0, healthcheck=check), server, said.append)
    assert (more.memory_limit, more.cpu_limit, more.start_timeout_seconds) == ("512m", 1.0, 120)
    assert [event.detail["code"] for event in said] == ["resources-limited"] * 3
    assert within_limits(plan(), server, said.append) is server


def test_made_values_are_kept_sealed_and_private(tmp_path: Path) -> None:
    server = settings(tmp_path)
    first = generated_values("app-1", ["KEY"], server)
    second = generated_values("app-1", ["KEY", "SALT"], server)
    assert second["KEY"] == first["KEY"] and len(second["SALT"]) == 43
    assert generated_values("app-2", ["KEY"], server)["KEY"] != first["KEY"]
    place = app_folder("app-1", server) / GENERATED
    assert place.stat().st_mode & 0o777 == 0o600 and first["KEY"] not in place.read_text()
    assert kept_values("app-1", server) == second
    assert kept_values("app-3", server) == {}


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> Plan:
    import docker_compose.parts
    from docker_run import EngineFacts

    async def facts() -> EngineFacts:
        return EngineFacts(4, True)

    monkeypatch.setattr(docker_compose.parts, "engine_facts", facts)
    front = Part("frontend", Plan("spa", Kind.SPA, port=8080, context="frontend"), ("VITE_API_URL", "VITE_OWN"))
    back = Part("backend", Plan("fastapi", Kind.FASTAPI, port=8000, context="backend", memory="256m"))
    return Plan("two-part", Kind.MONOREPO, parts=(front, back), main_service="frontend")


async def test_each_part_gets_its_own_variables_address_and_build(tmp_path: Path, two: Plan) -> None:
    server = settings(tmp_path)
    wish = request(backend_env={"TOKEN": "t", "FRONTEND_URL": "https://mine"}, frontend_env={"VITE_OWN": "me"})
    stack = await stack_of(two, COMMIT, wish, server, host_ports={"frontend": 8081, "backend": 8082})
    assert stack.builds_for["frontend"].frontend_env == {"VITE_API_URL": "http://localhost:8082", "VITE_OWN": "me"}
    assert stack.builds_for["backend"].frontend_env == {}
    final, notes = rewrite(stack, server)
    front, back = final["services"]["frontend"], final["services"]["backend"]
    assert notes == ()
    assert [port["published"] for one in (front, back) for port in one["ports"]] == ["8081", "8082"]
    assert front["environment"]["API_URL"] == "http://backend:8000" and "TOKEN" not in front["environment"]
    assert back["environment"]["TOKEN"] == "t" and back["environment"]["PORT"] == "8000"
    assert back["environment"]["CORS_ORIGIN"] == "http://localhost:8081"
    assert back["environment"]["FRONTEND_URL"] == "https://mine"
    assert back["environment"]["BUTLER_URL"] == "http://localhost:8082"
    assert back["mem_limit"] == str(256 * 1024**2)
    assert final["x-butler"]["parts"] == ["backend"]


async def test_a_process_runs_the_sites_image_without_an_address(tmp_path: Path, two: Plan) -> None:
    server = settings(tmp_path)
    site = plan(processes={"worker": "node worker.js"})
    stack = await stack_of(site, COMMIT, request(backend_env={"A": "$1"}), server, host_ports={"web": 8081})
    assert (stack.services, stack.built, stack.copies) == (("web", "worker"), ("web",), {"worker": "web"})
    worker = rewrite(stack, server)[0]["services"]["worker"]
    assert worker["command"] == ["/bin/sh", "-c", "exec node worker.js"]
    assert (worker["environment"]["A"], worker["pull_policy"], worker["restart"]) == ("$$1", "never", "always")
    assert "ports" not in worker and "BUTLER_URL" not in worker["environment"]
