"""Compose stacks without Docker: argument lists, env files, copies of bound files, and the file that runs."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as with_settings
from hypothesis import strategies as st

import compose_file
from compose_file import Site
from docker_build.command import Build
from docker_compose import (
    blame,
    building,
    policy,
    repository_files,
    resolving,
    rewriting,
    running,
    service_parts,
    targets,
)
from docker_compose.quantities import duration_in_seconds, size_in_bytes
from docker_compose.stack import ComposeStack, project_of
from docker_run import ContainerState
from docker_run.state import read_state
from domain import DeployRequest, Event, EventKind
from robust_error_handler import ButlerError, Code, CommandFailed, DeploymentFailed
from settings import Settings
from workspace import open_folder


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_settings(tmp_path)


def make_settings(folder: Path) -> Settings:
    (folder / "instance-id").write_text("abcd1234\n")
    return Settings(_env_file=None, data_dir=folder)


def make_stack(model: dict[str, Any], settings: Settings, **changes: Any) -> ComposeStack:
    request = DeployRequest(
        "https://git.test/x", "octo-shop-1a2b3c4d", 7, release_number=3, **changes.pop("request", {})
    )
    fields: dict[str, Any] = {
        "project": project_of(request.container_name, settings),
        "request": request,
        "file_name": "compose.yml",
        "site": Site("web", 3000, "test"),
        "host_port": 8081,
        "model": model,
        "cpus": 4.0,
    }
    return ComposeStack(**{**fields, **changes})


def rewritten(service: dict[str, Any], settings: Settings, top: dict[str, Any] | None = None, **changes: Any) -> Any:
    """How one service called `web` comes out."""
    model = {"services": {"web": {"image": "shop:1", **service}}, **(top or {})}
    return rewriting.rewrite(make_stack(model, settings, **changes), settings)[0]["services"]["web"]


# --- argument lists -----------------------------------------------------------------------------------------------


def test_compose_reads_exactly_one_file_with_nothing_but_our_env_file() -> None:
    argv = resolving.config_argv(Path("/c/app/compose.yml"), "p", Path("/t/variables"), Path("/t/model.json"))
    assert argv == [
        "docker", "compose", "--profile", "*", "--file", "/c/app/compose.yml", "--project-directory", "/c/app",
        "--project-name", "p", "--env-file", "/t/variables", "config", "--format", "json", "--output", "/t/model.json",
    ]  # fmt: skip


def test_up_starts_our_file_and_builds_nothing() -> None:
    assert running.up_argv("p", Path("/d/compose.next.json")) == [
        "docker", "compose", "--ansi", "never", "--project-name", "p", "--file", "/d/compose.next.json",
        "--project-directory", "/d", "--env-file", "/dev/null", "up", "--detach", "--no-build", "--remove-orphans",
        "--timeout", "10",
    ]  # fmt: skip


def test_the_site_joins_the_users_network_by_its_name_and_the_shared_one_without(settings: Settings) -> None:
    assert running.connect_argvs("c1", "octo-shop", 7, settings) == [
        ["docker", "network", "connect", "--alias", "octo-shop", "butler-abcd1234-u7", "c1"],
        ["docker", "network", "connect", "devops-butler-net", "c1"],
    ]


def test_a_services_build_gets_its_secrets_and_no_network_where_the_file_says_so() -> None:
    command = Build(Path("/g/Dockerfile"), Path("/c"), "t:1", Path("/g/id"), "n", Path("/g/s"), ("frontend_env",))
    argv = building.service_build_argv(command, secrets={"token": "/d/files/x"}, has_network=False)
    assert argv[-7:] == [
        "--secret", "id=token,src=/d/files/x", "--network", "none", "--file", "/g/Dockerfile", "/c",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["Octo.Shop_1", "-", "ümlaut", "a" * 60])
def test_the_project_name_is_one_that_compose_takes(name: str, settings: Settings) -> None:
    project = project_of(name, settings)
    assert project.startswith("butler-abcd1234-")
    assert set(project) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-")


# --- targets ------------------------------------------------------------------------------------------------------

STAGES = """# syntax=docker/dockerfile:1
ARG V=1
FROM a:$V AS Build
RUN x
# to serve
FROM b
RUN <<EOF
FROM no
EOF
FROM build AS dev
COPY --from=tools/image /x /x
FROM c AS final
RUN --mount=type=bind,from=build,target=/b y
"""


@pytest.mark.parametrize(
    ("target", "stages"),
    [
        (None, ["a:$V AS Build", "c AS final"]),
        ("final", ["a:$V AS Build", "c AS final"]),
        ("DEV", ["a:$V AS Build", "build AS dev"]),
        ("build", ["a:$V AS Build"]),
        ("1", ["b", "no"]),
    ],
)
def test_a_dockerfile_is_cut_down_to_what_its_target_needs(target: str | None, stages: list[str]) -> None:
    cut = targets.for_target(STAGES, target)
    assert cut is not None
    assert cut.startswith("# syntax=docker/dockerfile:1\nARG V=1\n")
    assert [line[5:] for line in cut.splitlines() if line.startswith("FROM")] == stages


def test_stages_keep_their_places_where_a_number_or_a_variable_names_them() -> None:
    text = "FROM a\nFROM b AS unused\nFROM c\nCOPY --from=0 /x /x\n"
    assert targets.for_target(text, None) == text
    text = "ARG B=a\nFROM a AS one\nFROM b AS unused\nFROM ${B}\n"
    assert targets.for_target(text, None) == text


def test_an_unknown_target_is_known_to_be_one() -> None:
    assert targets.for_target(STAGES, "nowhere") is None
    assert targets.for_target(STAGES, "7") is None
    assert targets.for_target("", None) == ""


# --- variables ----------------------------------------------------------------------------------------------------


@given(st.recursive(st.text() | st.integers() | st.none() | st.booleans(), st.lists, max_leaves=5))
def test_dollars_survive_the_round_trip(value: Any) -> None:
    assert resolving._plain(resolving.escaped(value)) == value


def test_env_file_values_are_quoted_so_that_nothing_is_filled_in() -> None:
    text = resolving.env_file_text({"A": 'a "b" $c \\n', "B": "1\n2\r3"})
    assert text == 'A="a \\"b\\" \\$c \\\\n"\nB="1\\n2\\r3"\n'


def test_the_users_variables_reach_services_but_not_over_what_the_file_sets(settings: Settings) -> None:
    service = {"environment": {"MODE": "prod", "EMPTY": None, "PRICE": "5$"}}
    changes = {"takes_environment": frozenset({"web"}), "request": {"backend_env": {"MODE": "mine", "KEY": "a$b"}}}
    assert rewritten(service, settings, **changes)["environment"] == {
        "MODE": "prod",
        "EMPTY": "",
        "PRICE": "5$$",
        "KEY": "a$$b",
    }
    assert (
        rewritten(service, settings, request=changes["request"])["environment"].keys() == service["environment"].keys()
    )


def test_a_stack_prints_without_values(settings: Settings) -> None:
    stack = make_stack({"services": {"web": {"environment": {"K": "s3cret"}}}}, settings)
    assert "s3cret" not in repr(stack)


# --- messages of compose ------------------------------------------------------------------------------------------


@pytest.fixture
def text(tmp_path: Path) -> compose_file.ComposeText:
    (tmp_path / "compose.yml").write_text(
        "services:\n  web:\n    image: x\n    environment:\n      A: ${SECRET:?give it}\n    foo: 1\n"
    )
    return compose_file.read(open_folder(tmp_path), "compose.yml")


def explained(text: compose_file.ComposeText, *said: str) -> ButlerError:
    return resolving._explained(CommandFailed(["docker"], 1, said), text)


def test_a_missing_variable_is_named_with_its_reason_and_line(text: compose_file.ComposeText) -> None:
    said = "error while interpolating services.web.environment.A: required variable SECRET is missing a value: give it"
    error = explained(text, said)
    assert error.code is Code.MISSING_VARIABLE
    assert error.message == "compose.yml needs the variable SECRET, which is not set (give it)."
    assert error.lines == ("compose.yml:5:       A: ${SECRET:?give it}",)


def test_composes_own_words_come_with_the_line(text: compose_file.ComposeText) -> None:
    error = explained(text, f"validating {text.path}: services.web Additional property foo is not allowed")
    assert error.code is Code.COMPOSE_INVALID
    assert "validating compose.yml: services.web Additional property foo is not allowed" in error.message
    assert error.lines == ("compose.yml:2:   web:",)


def test_warnings_about_unset_variables_become_one_event() -> None:
    events: list[Event] = []
    lines = [
        f'time="t" level=warning msg="The \\"{n}\\" variable is not set. Defaulting to a blank string."' for n in "AB"
    ]
    resolving._warn([*lines, 'level=warning msg="compose.yml: `version` is obsolete"'], events.append)
    assert [event.kind for event in events] == [EventKind.WARNING]
    assert "A, B" in events[0].text


@pytest.mark.parametrize(
    "said",
    ["docker: 'compose' is not a docker command.", "unknown shorthand flag: 'f' in -f", "unknown flag: --profile"],
)
def test_a_docker_without_compose_is_said_as_such(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolving, "_has_v1", lambda: True)
    error = resolving.tool_missing(said)
    assert error is not None
    assert error.code is Code.TOOL_MISSING
    assert "old docker-compose (v1)" in error.message
    assert error.hint
    assert resolving.tool_missing("services.web must be a mapping") is None


def test_services_of_profiles_stay_away_unless_somebody_needs_them() -> None:
    services = {
        "web": {"depends_on": {"db": {}}},
        "db": {"profiles": ["data"]},
        "seed": {"profiles": ["seed"]},
    }
    chosen, notes = resolving._default_services(services, set())
    assert list(chosen) == ["web", "db"]
    assert any("seed" in note for note in notes)
    assert list(resolving._default_services(services, {"seed"})[0]) == ["web", "db", "seed"]


# --- files --------------------------------------------------------------------------------------------------------


def settle(checkout: Path, folder: Path, **mount: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    model = {"services": {"web": {"volumes": [{"type": "bind", "target": "/x", **mount}]}}}
    return repository_files.settle(model, checkout, folder)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    clone = tmp_path / "clone"
    (clone / "conf" / ".git").mkdir(parents=True)
    (clone / "conf" / "app.conf").write_text("1")
    (clone / "conf" / "out").symlink_to("/etc")
    (clone / "kept").mkdir()
    (clone / "kept" / ".gitkeep").touch()
    return clone


def test_a_bound_folder_is_copied_readable_without_git_and_without_following_links(clone: Path, tmp_path: Path) -> None:
    (clone / "conf" / "app.conf").chmod(0o600)
    model, notes = settle(clone, tmp_path / "files", source=str(clone / "conf"), read_only=True)
    copy = Path(model["services"]["web"]["volumes"][0]["source"])
    assert copy.is_relative_to(tmp_path / "files")
    assert sorted(os.listdir(copy)) == ["app.conf", "out"]
    assert (copy / "out").is_symlink()
    assert stat.S_IMODE((copy / "app.conf").stat().st_mode) == 0o644
    assert notes == ()


def test_a_copy_stays_where_it_is_until_its_content_changes(clone: Path, tmp_path: Path) -> None:
    def place() -> str:
        model, _ = settle(clone, tmp_path / "files", source=str(clone / "conf"))
        return str(model["services"]["web"]["volumes"][0]["source"])

    first = place()
    (Path(first) / "written-by-the-app").touch()
    assert place() == first
    assert (Path(first) / "written-by-the-app").exists()
    (clone / "conf" / "app.conf").write_text("2")
    assert place() != first


def test_a_writable_copy_can_be_written_by_anybody_in_the_container_and_the_user_is_told(
    clone: Path, tmp_path: Path
) -> None:
    model, notes = settle(clone, tmp_path / "files", source=str(clone / "conf"))
    copy = Path(model["services"]["web"]["volumes"][0]["source"])
    assert stat.S_IMODE(copy.stat().st_mode) & 0o007 == 0o007
    assert "a copy of conf" in notes[0]


@pytest.mark.parametrize("name", ["kept", "db-data"])
def test_a_folder_for_data_becomes_a_volume_that_is_kept(clone: Path, tmp_path: Path, name: str) -> None:
    model, notes = settle(clone, tmp_path / "files", source=str(clone / name))
    mount = model["services"]["web"]["volumes"][0]
    assert mount["type"] == "volume"
    assert mount["source"] in model["volumes"]
    assert (
        mount["source"]
        == settle(clone, tmp_path / "files", source=str(clone / name))[0]["services"]["web"]["volumes"][0]["source"]
    )
    assert "a volume that is kept" in notes[0]


def test_a_bound_file_that_is_missing_is_named(clone: Path, tmp_path: Path) -> None:
    with pytest.raises(DeploymentFailed) as caught:
        settle(clone, tmp_path / "files", source=str(clone / "db" / "init.sql"))
    assert caught.value.code is Code.COMPOSE_INVALID
    assert '"db/init.sql"' in caught.value.message


def test_secrets_are_copied_and_unused_copies_go(clone: Path, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    (clone / "password.txt").write_text("p")
    model = {"services": {}, "secrets": {"s": {"file": str(clone / "password.txt"), "name": "x"}}}
    kept, _ = repository_files.settle(model, clone, folder)
    settle(clone, folder, source=str(clone / "conf"))
    assert len(list(folder.iterdir())) == 2
    repository_files.remove_unused(folder, kept)
    assert Path(kept["secrets"]["s"]["file"]).read_text() == "p"
    assert len(list(folder.iterdir())) == 1


def test_nothing_outside_the_clone_is_ever_copied(clone: Path, tmp_path: Path) -> None:
    with pytest.raises(DeploymentFailed):
        settle(clone, tmp_path / "files", source="/etc")
    assert not (tmp_path / "files").exists()


def test_the_final_file_is_private_and_replaced_at_once(tmp_path: Path) -> None:
    path = tmp_path / "apps" / "x" / "compose.json"
    assert running.read_final(path) is None
    for content in ({"a": 1}, {"a": 2}):
        running.write_private(path, content)
        assert running.read_final(path) == content
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(path.parent) == ["compose.json"]


# --- the file that runs -------------------------------------------------------------------------------------------


def test_only_the_sites_port_is_published_and_only_where_we_say(settings: Settings) -> None:
    model = {
        "services": {
            "db": {"image": "postgres", "ports": [{"target": 5432, "published": "5432"}]},
            "web": {
                "image": "shop:1",
                "container_name": "shop",
                "ports": [
                    {"target": 3000, "published": "80", "protocol": "tcp", "host_ip": "0.0.0.0"},
                    {"target": 9229, "published": "9229", "protocol": "tcp"},
                ],
            },
        }
    }
    final, notes = rewriting.rewrite(make_stack(model, settings), settings)
    assert final["services"]["web"]["ports"] == [
        {"target": 3000, "protocol": "tcp", "mode": "host", "host_ip": "127.0.0.1", "published": "8081"}
    ]
    assert "ports" not in final["services"]["db"]
    assert "Ports that only the stack itself can reach: db:5432, web:9229." in notes
    assert "Fixed container names are not used: shop." in notes
    assert final["name"] == "butler-abcd1234-octo-shop-1a2b3c4d"


def test_docker_chooses_the_port_where_none_is_given_and_nothing_is_published_without_one(settings: Settings) -> None:
    assert "published" not in rewritten({}, settings, host_port=None)["ports"][0]
    assert "ports" not in rewritten({}, settings, site=Site("web", None, "t"))


def test_a_site_inside_anothers_network_is_published_there(settings: Settings) -> None:
    model = {"services": {"web": {"image": "a", "network_mode": "service:vpn"}, "vpn": {"image": "b"}}}
    final = rewriting.rewrite(make_stack(model, settings), settings)[0]["services"]
    assert "ports" in final["vpn"]
    assert "ports" not in final["web"]
    assert final["web"]["network_mode"] == "service:vpn"
    assert "networks" not in final["web"]


def test_networks_volumes_and_labels_are_ours(settings: Settings) -> None:
    service = {
        "networks": {"default": None, "back": {"aliases": ["shop"], "ipv4_address": "10.0.0.9"}},
        "volumes": [{"type": "volume", "source": "data", "target": "/data", "volume": {"nocopy": True}}],
        "labels": {"butler.user": "1", "com.docker.compose.project": "bob", "traefik.enable": "true", "mine": "1"},
    }
    top = {"volumes": {"data": {"name": "bob_data"}}, "networks": {"back": {"driver": "macvlan", "name": "x"}}}
    model = {"services": {"web": {"image": "a", **service}}, **top}
    final, _ = rewriting.rewrite(make_stack(model, settings), settings)
    own = "butler-abcd1234-app-octo-shop-1a2b3c4d"
    assert final["networks"] == {
        "back": {"name": f"{own}--back", "external": True},
        "default": {"name": own, "external": True},
    }
    assert final["services"]["web"]["networks"] == {"default": None, "back": {"aliases": ["shop"]}}
    labels = {"butler": "1", "butler.instance": "abcd1234", "butler.app": "octo-shop-1a2b3c4d", "butler.user": "7"}
    assert final["volumes"] == {"data": {"name": "butler-abcd1234-octo-shop-1a2b3c4d_data", "labels": labels}}
    assert final["services"]["web"]["labels"] == {"mine": "1", **labels, "butler.release": "3"}


def test_limits_are_the_servers_or_lower(settings: Settings) -> None:
    web = rewritten({"mem_limit": "8g", "cpus": 64, "pids_limit": -1, "scale": 100}, settings)
    assert (web["mem_limit"], web["memswap_limit"], web["cpus"], web["pids_limit"]) == (
        f"{1024**3}",
        f"{1024**3}",
        2.0,
        512,
    )
    lower = {"resources": {"limits": {"memory": "67108864", "cpus": 0.5, "pids": 50}}, "replicas": 9}
    web = rewritten({"deploy": lower}, settings)
    assert (web["mem_limit"], web["cpus"], web["pids_limit"]) == ("67108864", 0.5, 50)
    assert "deploy" not in web
    assert "scale" not in web


def test_a_container_is_confined_and_its_log_is_capped(settings: Settings) -> None:
    web = rewritten(
        {"cap_drop": ["KILL"], "logging": {"driver": "syslog"}, "security_opt": ["no-new-privileges"]}, settings
    )
    assert web["cap_drop"] == ["ALL"]
    assert web["cap_add"] == ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID", "NET_BIND_SERVICE"]
    assert web["security_opt"] == ["no-new-privileges:true"]
    assert web["logging"] == {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}}
    assert rewritten({"cap_drop": ["ALL"]}, settings)["cap_add"] == []


@pytest.mark.parametrize(
    ("written", "body", "site", "awaited", "expected"),
    [
        ("always", {}, True, False, "no"),
        ("always", {}, False, False, "always"),
        ("on-failure:3", {}, False, False, "always"),
        ("unless-stopped", {}, False, False, "always"),
        ("no", {}, False, False, "no"),
        ("", {}, False, True, "no"),
        ("", {"image": "postgres:16"}, False, False, "always"),
        ("", {"ports": ["80"]}, False, False, "always"),
        ("", {"expose": ["80"]}, False, False, "always"),
        ("", {"image": "my/migrate"}, False, False, "on-failure:5"),
    ],
)
def test_services_come_back_and_jobs_end(
    written: str, body: dict[str, Any], site: bool, awaited: bool, expected: str
) -> None:
    assert service_parts.restart_policy(written, is_site=site, is_awaited=awaited, body=body) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"stop_grace_period": "1h0m0s"}, {"stop_grace_period": "30s"}),
        ({"stop_grace_period": "5s"}, {"stop_grace_period": "5s"}),
        ({"shm_size": "8589934592"}, {"shm_size": str(256 * 1024**2)}),
        ({"healthcheck": {"test": ["CMD", "true"], "interval": "1ms"}}, {"healthcheck": {"test": ["CMD", "true"], "interval": "1s"}}),
        ({"ulimits": {"nofile": {"soft": 10, "hard": 999999}, "memlock": -1, "rtprio": 99}},
         {"ulimits": {"nofile": {"soft": 10, "hard": 16384}, "memlock": {"soft": 64 * 1024**2, "hard": 64 * 1024**2}}}),
        ({"extra_hosts": ["a=host-gateway", "b=127.0.0.1", "c=10.0.0.1", "d=8.8.8.8", "e=169.254.169.254"]}, {"extra_hosts": ["d=8.8.8.8"]}),
        ({"tmpfs": ["/run:size=8g,exec,mode=1777"]},
         {"volumes": [{"type": "tmpfs", "target": "/run", "tmpfs": {"size": 256 * 1024**2, "mode": 0o1777}}]}),
        ({"build": {"context": "."}}, {"init": True, "pull_policy": "never"}),
        ({"build": {"context": "."}, "init": False}, {"init": False}),
    ],
)  # fmt: skip
def test_values_are_narrowed(body: dict[str, Any], expected: dict[str, Any], settings: Settings) -> None:
    web = rewritten(body, settings)
    assert {key: web[key] for key in expected} == expected


def test_commands_and_order_are_kept(settings: Settings) -> None:
    model = {
        "services": {
            "web": {
                "image": "a",
                "command": ["sh", "-c", "echo $HOME"],
                "entrypoint": None,
                "depends_on": {"db": {"condition": "service_healthy", "required": True}, "gone": {"condition": "x"}},
            },
            "db": {"image": "postgres"},
        }
    }
    web = rewriting.rewrite(make_stack(model, settings), settings)[0]["services"]["web"]
    assert web["command"] == ["sh", "-c", "echo $$HOME"]
    assert "entrypoint" not in web
    assert web["depends_on"] == {"db": {"condition": "service_healthy", "required": True}}


def test_an_unnamed_volume_under_a_bound_folder_is_new_with_every_image(settings: Settings) -> None:
    service = {
        "build": {"context": "."},
        "volumes": [
            {"type": "bind", "source": "/copy", "target": "/app"},
            {"type": "volume", "target": "/app/node_modules"},
            {"type": "volume", "target": "/data"},
        ],
    }
    first = rewritten(service, settings, images={"web": "i:1"})["volumes"]
    second = rewritten(service, settings, images={"web": "i:2"})["volumes"]
    assert first[1]["source"] != second[1]["source"]
    assert "source" not in first[2]
    assert first[0]["bind"] == {"create_host_path": False}


def test_unchanged_services_keep_the_release_that_started_them(settings: Settings) -> None:
    model = {"services": {"web": {"image": "a"}, "db": {"image": "postgres"}}}
    first, _ = rewriting.rewrite(make_stack(model, settings), settings)
    later = make_stack(model, settings, images={"web": "b", "db": "postgres"})
    later.request.__dict__["release_number"] = 4
    final = rewriting.carried_over(rewriting.rewrite(later, settings)[0], json.loads(json.dumps(first)))
    assert final["services"]["db"]["labels"]["butler.release"] == "3"
    assert final["services"]["web"]["labels"]["butler.release"] == "4"
    assert final["x-butler"]["release"] == 4
    assert rewriting.carried_over(final, None) == final


# --- accepted means safe ------------------------------------------------------------------------------------------

ALLOWED_SERVICE_KEYS = {
    "image", "pull_policy", "environment", "restart", "init", "depends_on", "healthcheck", "stop_grace_period",
    "volumes", "secrets", "configs", "mem_limit", "memswap_limit", "cpus", "pids_limit", "shm_size", "ulimits",
    "cap_drop", "cap_add", "security_opt", "logging", "labels", "networks", "network_mode", "extra_hosts", "ports",
    *rewriting._PLAIN_KEYS,
}  # fmt: skip

_words = st.sampled_from(["host", "a", "/", "/etc", "..", "none", "service:db", "container:x", "true", "$X", "80"])
_values = (
    st.none() | st.booleans() | _words | st.lists(_words, max_size=2) | st.dictionaries(_words, _words, max_size=2)
)
_sources = st.sampled_from(
    ["/", "/etc", "/var/run/docker.sock", "{clone}/conf", "{clone}/../x", "{clone}/conf/out", "v", ""]
)
_mounts = st.fixed_dictionaries(
    {"type": st.sampled_from(["bind", "volume", "tmpfs", "npipe"]), "source": _sources, "target": st.sampled_from(["/x", "x", "/../y"])},
    optional={"read_only": st.booleans(), "bind": st.just({"propagation": "shared"})},
)  # fmt: skip
_ports = st.fixed_dictionaries({"target": st.integers(1, 65535), "published": st.just("22")})
_odd_keys = st.sampled_from(sorted({"privileged", "cap_add", "pid", "ipc", "devices", "network_mode", "userns_mode", "sysctls", "runtime", "gpus", "cgroup_parent", "security_opt", "provider", "use_api_socket", "volumes_from", "x-a", "new_key"}))  # fmt: skip
_services = st.builds(
    lambda base, odd: {**odd, **base},
    st.fixed_dictionaries(
        {"image": st.just("nginx")},
        optional={
            "volumes": st.lists(_mounts, max_size=2),
            "ports": st.lists(_ports, max_size=2),
            "labels": st.dictionaries(st.sampled_from(["butler.user", "com.docker.x", "ok"]), _words),
            "command": st.lists(_words, min_size=1, max_size=2),
            "container_name": _words,
            "mem_limit": st.sampled_from(["0", "99g", "64m"]),
        },
    ),
    st.dictionaries(_odd_keys, _values, max_size=2),
)


def _check_invariants(final: dict[str, Any], settings: Settings, folder: Path) -> None:
    for name, service in final["services"].items():
        assert set(service) <= ALLOWED_SERVICE_KEYS
        assert service["cap_drop"] == ["ALL"]
        assert set(service["cap_add"]) <= set(service_parts.CAPABILITIES)
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert int(service["mem_limit"]) <= 1024**3
        assert service["labels"]["butler.user"] == "7"
        assert not any(label.startswith("com.docker") for label in service["labels"])
        assert service.get("network_mode", "none") in ("none", "service:db", "service:web")
        for mount in service.get("volumes", []):
            assert mount["type"] in ("bind", "volume", "tmpfs")
            if mount["type"] == "bind":
                assert Path(mount["source"]).is_relative_to(folder)
                assert mount["bind"] == {"create_host_path": False}
        published = [port.get("published") for port in service.get("ports", [])]
        assert published in ([], ["8081"])
        assert name == "web" or "network_mode" in final["services"]["web"] or not published
    assert all(
        network["external"] and network["name"].startswith("butler-abcd1234-") for network in final["networks"].values()
    )
    assert all(set(volume) == {"name", "labels"} for volume in final["volumes"].values())


@with_settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(web=_services, db=_services)
def test_whatever_the_policy_accepts_keeps_every_promise_in_the_file_that_runs(
    tmp_path_factory: pytest.TempPathFactory, web: dict[str, Any], db: dict[str, Any]
) -> None:
    root = tmp_path_factory.mktemp("accepted")
    clone, folder = root / "clone", root / "files"
    (clone / "conf").mkdir(parents=True)
    (clone / "conf" / "a").touch()
    (clone / "conf" / "out").symlink_to("/etc")
    filled: Callable[[str], str] = lambda source: source.replace("{clone}", str(clone))  # noqa: E731
    services = json.loads(filled(json.dumps({"web": web, "db": db})))
    model = {"services": services, "volumes": {"v": {}}, "networks": {"default": {}}}
    (clone / "compose.yml").write_text(json.dumps(model))
    text = compose_file.read(open_folder(clone), "compose.yml")
    if policy.refusals(model, text, clone):
        return
    settings = make_settings(root)
    settled, _ = repository_files.settle(model, clone, folder)
    final, _ = rewriting.rewrite(make_stack(settled, settings), settings)
    _check_invariants(final, settings, folder)


# --- quantities ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ("64m", 67108864),
        ("1.5GB", 1610612736),
        (1024, 1024),
        ("10kib", 10240),
        ("0", None),
        ("-1", None),
        ("x", None),
        (None, None),
    ],
)
def test_sizes_are_read(written: object, size: int | None) -> None:
    assert size_in_bytes(written) == size


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("1h0m0s", 3600), ("1m30s", 90), ("500ms", 0.5), ("10", 10), ("1d", None), ("", None), (None, None)],
)
def test_durations_are_read(written: object, seconds: float | None) -> None:
    assert duration_in_seconds(written) == seconds


# --- whose fault it is --------------------------------------------------------------------------------------------


def state(
    *, running: bool = True, exit_code: int = 0, restarts: int = 0, finished: str = "", status: str = ""
) -> ContainerState:
    container = {"Status": status, "Running": running, "ExitCode": exit_code, "FinishedAt": finished}
    return read_state(
        {
            "Id": "1",
            "Name": "/x",
            "Image": "",
            "State": container,
            "RestartCount": restarts,
            "NetworkSettings": {},
            "Config": {},
        }
    )


def test_services_that_ended_with_an_error_or_keep_ending_are_down_and_finished_jobs_are_not() -> None:
    states = {
        "web": state(running=False, exit_code=1),
        "worker": state(running=False, exit_code=2, finished="2026-01-01T10:00:05Z"),
        "api": state(restarts=5, finished="2026-01-01T10:00:01Z"),
        "migrate": state(running=False, exit_code=0),
        "db": state(),
    }
    assert blame.fallen(states, "web") == ("api", "worker")


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        (Code.CRASHED_AT_START, "The app looks for a server called api, and there is none of that name.", "api"),
        (Code.NOT_ANSWERING, "The app answers every request with the server error 502.", "api"),
        (Code.CRASHED_AT_START, "The app may not use /var/lib/api-data: permission denied.", None),
        (Code.MISSING_VARIABLE, "The variable API_KEY is not set; it is for api.", None),
    ],
)
def test_a_service_that_fell_is_blamed_where_the_sites_failure_points_to_it(
    code: Code, message: str, expected: str | None
) -> None:
    states = {"web": state(running=False, exit_code=1), "api": state(running=False, exit_code=1)}
    assert blame.blamed(DeploymentFailed(code, message, ""), states, "web") == expected


@pytest.mark.parametrize(
    ("other", "line", "is_lost"),
    [
        (state(), "", False),
        (state(running=False, exit_code=1), "", True),
        (state(running=False, exit_code=0), "", False),
        (state(running=False, exit_code=1, restarts=3, status="restarting"), "KeyError: 'TOKEN'", False),
        (state(running=False, exit_code=1, restarts=4, status="restarting"), "KeyError: 'TOKEN'", True),
        (state(restarts=4), "KeyError: 'TOKEN'", True),
        (state(restarts=7), "connect ECONNREFUSED 10.0.0.3:5432", False),
        (state(restarts=8), "connect ECONNREFUSED 10.0.0.3:5432", True),
    ],
)
async def test_a_service_that_keeps_ending_is_given_up_later_where_it_waits_for_another(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, other: ContainerState, line: str, is_lost: bool
) -> None:
    async def states(_app: str, _settings: Settings) -> dict[str, ContainerState]:
        return {"web": state(), "api": other}

    async def lines(_id: str, _settings: Settings, *, tail: int) -> list[str]:
        return [line]

    monkeypatch.setattr(blame, "by_service", states)
    monkeypatch.setattr(blame, "log_lines", lines)
    assert await blame.lost("app", "web", settings) == ("api" if is_lost else None)
