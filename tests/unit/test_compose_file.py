"""Reading Compose files: what is safe to give to Compose, and which service is the site."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import compose_file
from compose_file import Port, choose_site, find_compose_file, load, ports_of, read
from robust_error_handler import Code, DeploymentFailed
from workspace import Workspace, open_folder

WEB = "services:\n  web:\n    image: nginx\n    ports: ['80:80']\n"


def repository(folder: Path, **files: str) -> Workspace:
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return open_folder(folder)


def refusal(workspace: Workspace, path: str = "compose.yml") -> DeploymentFailed:
    with pytest.raises(DeploymentFailed) as caught:
        load(workspace, path)
    return caught.value


def with_file(folder: Path, text: str) -> Workspace:
    (folder / "compose.yml").write_text(text)
    return open_folder(folder)


# --- which file ---------------------------------------------------------------------------------------------------


def test_the_file_is_found_in_composes_own_order(tmp_path: Path) -> None:
    for name in ("docker-compose.yaml", "docker-compose.yml", "compose.yml", "compose.yaml"):
        (tmp_path / name).write_text(WEB)
        assert find_compose_file(open_folder(tmp_path)) == name


def test_an_empty_file_and_a_folder_of_that_name_count_as_absent(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").mkdir()
    (tmp_path / "compose.yml").write_text("# nothing here\n---\n\n")
    assert find_compose_file(open_folder(tmp_path)) is None
    (tmp_path / "docker-compose.yaml").write_text(WEB)
    assert find_compose_file(open_folder(tmp_path)) == "docker-compose.yaml"


# --- reading ------------------------------------------------------------------------------------------------------


def test_values_are_read_as_compose_reads_them(tmp_path: Path) -> None:
    text = "services:\n  web:\n    ports: [22:22, 3000:30]\n    restart: no\n    x: on\n    y: true\n    m: 0444\n"
    web = load(with_file(tmp_path, text), "compose.yml")["services"]["web"]
    assert web == {"ports": ["22:22", "3000:30"], "restart": "no", "x": "on", "y": True, "m": "0444"}


def test_merges_and_composes_own_tags_are_understood(tmp_path: Path) -> None:
    text = "x-a: &a {image: one}\nservices:\n  web: {<<: *a, ports: !reset [], command: !override [a]}\n"
    assert load(with_file(tmp_path, text), "compose.yml")["services"]["web"] == {
        "image": "one",
        "ports": [],
        "command": ["a"],
    }


def test_a_mistake_in_the_yaml_is_named_with_its_line(tmp_path: Path) -> None:
    error = refusal(with_file(tmp_path, "services:\n  web:\n    image: a\n   ports: [1]\n"))
    assert error.code is Code.COMPOSE_INVALID
    assert "line 4" in error.message
    assert error.lines == ("compose.yml:4:    ports: [1]",)


@pytest.mark.parametrize(
    "text",
    [
        "services: !!python/object/apply:os.system ['true']\n",
        "[1, 2]\n",
        "just text\n",
        "a: &a [*a]\n",
        "a" * 300_000,
        "x: " + "[" * 100 + "]" * 100 + "\n",
        "x: " + "[" * 200_000,
        "x: [" + "1, " * 70_000 + "]\n",
        'l1: &l1 ["x"]\n' + "".join(f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]\n" for i in range(2, 10)),
        "\tservices: {}\n",
        "services: {a: {image: '\x00'}}\n",
        "services: {a: {image: x, !!binary ZW52X2ZpbGU=: /proc/self/environ}}\n",
        "x: &x {env_file: /proc/self/environ}\nservices: {a: {image: x, '<<': *x}}\n",
    ],
    ids=[
        "tag",
        "list",
        "text",
        "endless",
        "large",
        "deep",
        "very-deep",
        "wide",
        "bomb",
        "tab",
        "nul",
        "binary-key",
        "quoted-merge",
    ],
)
def test_hostile_files_are_refused_quickly_and_in_plain_words(tmp_path: Path, text: str) -> None:
    error = refusal(with_file(tmp_path, text))
    assert error.code is Code.COMPOSE_INVALID
    assert error.message.startswith("compose.yml ")
    assert error.hint


def test_text_that_is_not_utf8_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "compose.yml").write_bytes(b"services:\n  a: '\xff'\n")
    assert "line 2" in refusal(open_folder(tmp_path)).message


def test_lines_of_keys_are_known_through_lists_and_merges(tmp_path: Path) -> None:
    text = "x-b: &b\n  privileged: true\nservices:\n  web:\n    <<: *b\n    cap_add:\n      - A\n      - B\n"
    read_text = read(with_file(tmp_path, text), "compose.yml")
    assert read_text.line("services", "web", "cap_add", 1) == 8
    assert read_text.line("services", "web", "privileged") == 2
    assert read_text.line("services", "web", "unknown") == 4
    assert read_text.line("volumes", "x") is None
    assert read_text.where("services", "web") == "line 4 of compose.yml"
    assert read_text.where("volumes") == "compose.yml"


@given(st.text(max_size=400))
def test_no_text_makes_reading_fail_in_an_unknown_way(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "compose.yml").write_text(text, errors="replace")
    try:
        assert isinstance(load(open_folder(folder), "compose.yml"), dict)
    except DeploymentFailed as error:
        assert error.code in {Code.COMPOSE_INVALID, Code.COMPOSE_REFUSED}


# --- paths --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fragment", "words"),
    [
        ("services: {web: {env_file: ../../.env}}", "outside the repository"),
        ("services: {web: {env_file: /proc/self/environ}}", "outside the repository"),
        ("services: {web: {env_file: [{path: ~/x}]}}", "outside the repository"),
        ("services: {web: {env_file: '${SECRET}'}}", "variable"),
        ("services: {web: {env_file: link}}", "outside the repository"),
        ("services: {web: {label_file: /etc/passwd}}", "outside the repository"),
        ("services: {web: {extends: {file: /etc/x.yml, service: a}}}", "outside the repository"),
        ("services: {web: {extends: {file: 'https://evil.test/x.yml', service: a}}}", "remote"),
        ("include: ['oci://evil/x']", "remote"),
        ("include: ['git@github.com:a/b.git']", "remote"),
        ("include: [{path: ../other.yml}]", "outside the repository"),
        ("include: [{path: common.yml, env_file: /etc/environment}]", "outside the repository"),
        ("include: [{path: common.yml, project_directory: /etc}]", "outside the repository"),
        ("include: [bad.yml]", "outside the repository"),
        ("services: {web: {extends: {file: bad.yml, service: a}}}", "outside the repository"),
    ],
)
def test_every_path_that_compose_would_read_must_be_inside_the_clone(tmp_path: Path, fragment: str, words: str) -> None:
    (tmp_path / "outside.env").write_text("A=1\n")
    clone = tmp_path / "clone"
    clone.mkdir()
    (clone / "link").symlink_to(tmp_path / "outside.env")
    repository(clone, **{"common.yml": WEB, "bad.yml": "services: {a: {env_file: /etc/passwd}}\n"})
    error = refusal(with_file(clone, fragment + "\n"))
    assert error.code is Code.COMPOSE_REFUSED
    assert words in error.message
    assert "line 1" in error.message


def test_the_env_file_beside_an_included_file_may_not_lead_out(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    repository(clone, **{"sub/compose.yml": WEB})
    (clone / "sub" / ".env").symlink_to("/proc/self/environ")
    error = refusal(with_file(clone, "include: [sub/compose.yml]\n"))
    assert error.code is Code.COMPOSE_REFUSED
    assert "leads out of the repository" in error.message


def test_all_findings_come_at_once(tmp_path: Path) -> None:
    text = "services:\n  a:\n    env_file: /etc/a\n  b:\n    env_file:\n      - /etc/b\n"
    lines = refusal(with_file(tmp_path, text)).lines
    assert lines == (
        'Service "a": the path "/etc/a" (line 3 of compose.yml) is outside the repository.',
        'Service "b": the path "/etc/b" (line 5 of compose.yml) is outside the repository.',
    )


def test_files_inside_the_clone_may_be_extended_and_included_also_above_the_deployed_folder(tmp_path: Path) -> None:
    text = "include: [../more.yml]\nservices: {web: {extends: {file: base.yml, service: a}, env_file: ../shared.env}}\n"
    repository(tmp_path, **{"more.yml": WEB, "shared.env": "A=1\n", "app/base.yml": "services: {a: {image: x}}\n"})
    (tmp_path / "app" / "compose.yml").write_text(text)
    assert "web" in load(open_folder(tmp_path, "app"), "compose.yml")["services"]


def test_a_missing_env_file_is_reported_unless_the_file_calls_it_optional(tmp_path: Path) -> None:
    text = "services: {a: {env_file: .env}, b: {env_file: [{path: other.env, required: false}]}}\n"
    assert [path.name for path in read(with_file(tmp_path, text), "compose.yml").missing_env_files] == [".env"]


def test_a_missing_file_to_extend_is_named(tmp_path: Path) -> None:
    error = refusal(with_file(tmp_path, "services: {web: {extends: {file: base.yml, service: a}}}\n"))
    assert error.code is Code.COMPOSE_INVALID
    assert '"base.yml"' in error.message


# --- ports --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("3000", [3000]),
        (3000, [3000]),
        (":5432", [5432]),
        ("8080:80", [80]),
        ("127.0.0.1:9229:9229", [9229]),
        ("[::1]:8080:80", [80]),
        ("3000-3002:4000-4002", [4000, 4001, 4002]),
        ("${PORT:-3000}:${INNER:-80}", [80]),
        ("${PORT}:80", [80]),
        ("${PORT}", []),
        ({"target": 80, "published": "8080"}, [80]),
        ({"published": 80}, []),
        ("nonsense", []),
        ("²", []),
    ],
)
def test_ports_are_understood_in_every_form(entry: object, expected: list[int]) -> None:
    assert [port.target for port in ports_of({"ports": [entry]})] == expected


def test_protocols_and_expose_are_kept_apart() -> None:
    service = {"ports": ["53:53/udp"], "expose": ["8000", 9000]}
    assert ports_of(service) == (Port(53, "udp", True), Port(8000, "tcp", False), Port(9000, "tcp", False))


# --- the site -----------------------------------------------------------------------------------------------------


def site(text: str) -> tuple[str, int | None] | None:
    chosen = choose_site(yaml.safe_load(text))
    return (chosen.service, chosen.port) if chosen else None


STACKS: dict[str, tuple[str, tuple[str, int | None]]] = {
    "flask-redis": (
        "services: {redis: {image: redis:alpine, ports: ['6379:6379']}, web: {build: ., ports: ['8000:8000']}}",
        ("web", 8000),
    ),
    "elk": (
        "services: {elasticsearch: {image: 'elasticsearch:7.16.1', ports: ['9200:9200', '9300:9300']},"
        " logstash: {image: 'logstash:7.16.1', ports: ['5000:5000/tcp', '5000:5000/udp']},"
        " kibana: {image: 'kibana:7.16.1', ports: ['5601:5601'], depends_on: [elasticsearch]}}",
        ("kibana", 5601),
    ),
    "proxy-last": (
        "services: {backend: {build: backend}, db: {image: mysql:8}, proxy: {build: proxy, ports: ['80:80']}}",
        ("proxy", 80),
    ),
    "proxy-and-backend-published": (
        "services: {db: {image: mariadb}, backend: {build: b, ports: ['8000:8000']},"
        " proxy: {build: p, ports: ['80:80'], depends_on: [backend]}}",
        ("proxy", 80),
    ),
    "many-published": (
        "services: {redis: {image: redislabs/redismod, ports: ['6379:6379']},"
        " web1: {build: web, ports: ['81:5000']}, web2: {build: web, ports: ['82:5000']},"
        " nginx: {build: nginx, ports: ['80:80'], depends_on: [web1, web2]}}",
        ("nginx", 80),
    ),
    "backend-on-80": (
        "services: {backend: {build: b, ports: ['80:80', '9229:9229', '9230:9230'], depends_on: [db]},"
        " db: {image: mysql}, frontend: {build: f, ports: ['3000:3000'], depends_on: [backend]}}",
        ("frontend", 3000),
    ),
    "pgadmin": (
        "services: {postgres: {image: 'postgres:latest', ports: ['5432:5432']},"
        " pgadmin: {image: 'dpage/pgadmin4:latest', ports: ['${PGADMIN_PORT:-5050}:80']}}",
        ("pgadmin", 80),
    ),
    "monitoring": (
        "services: {prometheus: {image: prom/prometheus, ports: ['9090:9090']},"
        " grafana: {image: grafana/grafana, ports: ['3000:3000']}}",
        ("grafana", 3000),
    ),
    "wordpress": (
        "services: {db: {image: 'mariadb:10', expose: [3306, 33060]}, wordpress: {image: wordpress, ports: ['80:80']}}",
        ("wordpress", 80),
    ),
    "admin-tool-beside-an-app": (
        "services: {adminer: {image: adminer, ports: ['8080:8080']}, shop: {build: ., expose: ['4000']}}",
        ("shop", 4000),
    ),
    "expose-only": ("services: {app: {build: ., expose: ['9999']}}", ("app", 9999)),
    "label": (
        "services: {app: {build: ., labels: ['traefik.http.services.a.loadbalancer.server.port=7000']}}",
        ("app", 7000),
    ),
    "virtual-port": ("services: {app: {build: ., environment: {VIRTUAL_PORT: 7001}}}", ("app", 7001)),
    "unknown": ("services: {app: {build: .}}", ("app", None)),
    "https-and-http": ("services: {web: {image: caddy, ports: ['443:443', '80:80']}}", ("web", 80)),
}


@pytest.mark.parametrize("name", STACKS)
def test_the_site_of_a_stack_is_the_one_a_visitor_wants(name: str) -> None:
    text, expected = STACKS[name]
    assert site(text) == expected


@pytest.mark.parametrize(
    ("service", "port"),
    [
        ("{image: 'traefik:3.6', command: [--api, '--entrypoints.web.address=:8088']}", 8088),
        ("{image: 'traefik:3.6'}", 80),
        ("{image: 'docker.n8n.io/n8nio/n8n'}", 5678),
        ("{image: 'traefik/whoami'}", None),
    ],
)
def test_a_port_that_nothing_publishes_is_the_one_of_the_command_or_of_a_well_known_image(
    service: str, port: int | None
) -> None:
    assert site(f"services: {{front: {service}}}") == ("front", port)


def test_databases_alone_are_no_site() -> None:
    assert choose_site({"services": {"db": {"image": "postgres:16", "ports": ["5432:5432"]}}}) is None
    assert choose_site({"services": {"a": {"image": "mysql"}, "b": {"image": "bitnami/redis:7"}}}) is None
    assert choose_site({}) is None


def test_two_sites_of_equal_rank_are_both_named() -> None:
    chosen = choose_site(
        {"services": {"vote": {"build": "vote", "ports": ["8080:80"]}, "result": {"build": "r", "ports": ["8081:80"]}}}
    )
    assert chosen is not None
    assert (chosen.service, chosen.others) == ("vote", ("result",))


def test_what_only_a_profile_starts_is_no_site_and_makes_nothing_look_like_a_back_end() -> None:
    services: dict[str, Any] = {
        "vote": {"build": "vote", "ports": ["8080:80"]},
        "result": {"build": "r", "ports": ["8081:80"]},
        "nginx": {"image": "nginx", "ports": ["80:80"], "profiles": ["debug"]},
        "seed": {"build": "seed", "depends_on": ["vote"], "profiles": ["seed"]},
    }
    chosen = choose_site({"services": services})
    assert chosen is not None
    assert (chosen.service, chosen.others) == ("vote", ("result",))


@given(
    st.dictionaries(
        st.text(max_size=8),
        st.recursive(
            st.none() | st.integers() | st.text(max_size=12),
            lambda x: (
                st.lists(x) | st.dictionaries(st.sampled_from(["image", "ports", "build", "depends_on", "target"]), x)
            ),
            max_leaves=12,
        ),
        max_size=4,
    )
)
def test_choosing_never_fails_whatever_the_file_holds(services: dict[str, Any]) -> None:
    chosen = choose_site({"services": services})
    assert chosen is None or chosen.service in services


def test_the_public_names_are_there() -> None:
    assert set(compose_file.__all__) >= {"find_compose_file", "load", "Site", "choose_site"}
