"""Building without Docker: the arguments, the hash, the readable output, the secret file and the retries."""

from __future__ import annotations

import shlex
import stat
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

import docker_build
from docker_build import command, recipe, remote_sources
from docker_build.readable import Readable
from domain import Commit, DeployRequest, EventKind, Kind, Plan
from robust_error_handler import Code, CommandFailed, DeploymentFailed, ToolMissing
from settings import Settings
from workspace import Checkout, open_folder

OWN = Plan(strategy="dockerfile", kind=Kind.DOCKERFILE, dockerfile_path="Dockerfile")
REQUEST = DeployRequest("https://x.test/a", "user-repo-a1b2c3d4", 7)
TREE = "t" * 40


@pytest.fixture
def checkout(tmp_path) -> Checkout:
    source = tmp_path.resolve() / "src"
    source.mkdir()
    (source / "Dockerfile").write_text("FROM a\nEXPOSE 80\n")
    return Checkout(open_folder(source), Commit("c", "s", "a", "main", TREE), tmp_path / "generated")


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(_env_file=None, data_dir=tmp_path / "data", min_free_disk_mb=0)


def prepared(checkout: Checkout, plan: Plan = OWN, request: DeployRequest = REQUEST, images=None) -> recipe.Recipe:
    return recipe.prepare(recipe.find_source(plan, checkout), plan, request, images or {"a": "a"}, "salt")


def hash_of(checkout: Checkout, plan: Plan = OWN, request: DeployRequest = REQUEST, tree: str = TREE, bases=()) -> str:
    return prepared(checkout, plan, request).hash(request, tree, bases)


def test_the_argument_list_of_a_build():
    build = command.Build(
        dockerfile=Path("/g/Dockerfile"),
        context=Path("/src"),
        tag="local-registry/x:1",
        id_file=Path("/g/image-id"),
        cache_namespace="i-u7",
        secret_file=Path("/g,1/frontend_env"),
        secret_ids=("frontend_env", "frontend_env_1"),
        labels={"butler": "1"},
        build_args={"NODE_IMAGE": "node:22"},
        contexts={"butler": Path("/assets")},
        environment={"VITE_X": "hunter2"},
    )
    assert command.build_argv(build) == [
        "docker", "build", "--progress=plain", "--iidfile", "/g/image-id", "--tag", "local-registry/x:1",
        "--label", "butler=1",
        "--build-arg", "BUILDKIT_CACHE_MOUNT_NS=i-u7",
        "--build-arg", "NODE_IMAGE=node:22",
        "--build-arg", "VITE_X",
        "--build-context", "butler=/assets",
        "--secret", 'id=frontend_env,"src=/g,1/frontend_env"',
        "--secret", 'id=frontend_env_1,"src=/g,1/frontend_env"',
        "--file", "/g/Dockerfile", "/src",
    ]  # fmt: skip
    environment = command.build_environment(build)
    assert environment["VITE_X"] == "hunter2"
    assert environment["DOCKER_BUILDKIT"] == "1"


def test_the_other_argument_lists():
    assert command.inspect_argv(["a", "b"])[-2:] == ["a", "b"]
    assert command.list_argv({"butler.app": "x"}) == [
        "docker", "image", "ls", "--quiet", "--no-trunc", "--filter", "label=butler.app=x",
    ]  # fmt: skip
    assert command.containers_argv() == ["docker", "container", "ls", "--all", "--quiet", "--no-trunc"]
    assert command.images_in_use_argv(["c"]) == ["docker", "container", "inspect", "--format", "{{.Image}}", "c"]
    assert command.remove_argv(["t"]) == ["docker", "image", "rm", "t"]
    assert command.prune_cache_argv(5) == ["docker", "builder", "prune", "--force", "--filter", "until=5h"]


def test_equal_inputs_give_equal_hashes_and_each_input_counts(checkout):
    usual = hash_of(checkout)
    assert hash_of(checkout) == usual
    others = [
        hash_of(checkout, request=replace(REQUEST, user_id=8)),
        hash_of(checkout, request=replace(REQUEST, container_name="other")),
        hash_of(checkout, request=replace(REQUEST, frontend_env={"A": "1"})),
        hash_of(checkout, request=replace(REQUEST, frontend_env={"A": "2"})),
        hash_of(checkout, plan=replace(OWN, build_args={"A": "1"})),
        hash_of(checkout, tree="u" * 40),
        hash_of(checkout, bases=["sha256:1"]),
    ]
    (checkout.workspace.root / "Dockerfile").write_text("FROM a\nEXPOSE 81\n")
    others.append(hash_of(checkout))
    (checkout.workspace.root / ".dockerignore").write_text("x\n")
    others.append(hash_of(checkout))
    assert len({usual, *others}) == len(others) + 1


def test_what_only_concerns_the_running_container_does_not_count(checkout):
    other = replace(REQUEST, backend_env={"A": "1"}, release_number=9, trace_id="x")
    assert hash_of(checkout, request=other) == hash_of(checkout)


def test_the_order_of_variables_does_not_count(checkout):
    one, two = ({"A": "1", "B": "2"}, {"B": "2", "A": "1"})
    assert hash_of(checkout, request=replace(REQUEST, frontend_env=one)) == hash_of(
        checkout, request=replace(REQUEST, frontend_env=two)
    )


def test_the_copy_the_ignore_file_and_the_secret_are_written_outside_the_clone(checkout):
    (checkout.workspace.root / ".dockerignore").write_text("node_modules\n")
    dockerfile, secret = prepared(checkout, request=replace(REQUEST, frontend_env={"A": "it's"})).write(
        checkout.generated
    )
    assert dockerfile.read_text() == "FROM a\nEXPOSE 80\n"
    assert (checkout.generated / "Dockerfile.dockerignore").read_text().split("\n")[0] == "node_modules"
    assert ".git" in (checkout.generated / "Dockerfile.dockerignore").read_text().split("\n")
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert sorted(path.name for path in checkout.workspace.root.iterdir()) == [".dockerignore", "Dockerfile"]


def test_rules_beside_a_dockerfile_beat_those_of_the_context(checkout):
    (checkout.workspace.root / ".dockerignore").write_text("general\n")
    (checkout.workspace.root / "Dockerfile.dockerignore").write_text("special\n")
    assert recipe.find_source(OWN, checkout).ignores.startswith("special\n")


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12))
@hypothesis.settings(max_examples=40, deadline=None)
def test_a_shell_reads_the_secret_file_back_exactly(value):
    with tempfile.TemporaryDirectory() as folder:
        file = recipe._write_secret(Path(folder) / "secret", {"FIRST": value, "SECOND": "it's"})
        script = f'. {shlex.quote(str(file))}; printf %s "$FIRST|$SECOND"'
        done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, timeout=10)
        assert done.stdout.decode() == f"{value}|it's"


def test_private_arguments_are_passed_and_visible_or_steering_ones_are_not(checkout):
    text = "FROM a AS b\nARG VITE_A\nARG DOCKER_HOST\nFROM c\nARG VITE_B\n"
    (checkout.workspace.root / "Dockerfile").write_text(text)
    values = {"VITE_A": "1", "VITE_B": "2", "DOCKER_HOST": "3", "UNUSED": "4"}
    ready = prepared(checkout, request=replace(REQUEST, frontend_env=values))
    assert ready.private_args == {"VITE_A": "1"}
    assert "DOCKER_HOST, VITE_B" in ready.warnings[0]
    assert "--mount=type=secret,id=frontend_env" in ready.warnings[0]


def test_variables_that_nothing_uses_are_said(checkout):
    assert (
        "Nothing in Dockerfile uses"
        in prepared(checkout, request=replace(REQUEST, frontend_env={"A": "1"})).warnings[0]
    )
    assert prepared(checkout).warnings == ()


def test_a_template_gets_its_values_by_the_secret_alone(checkout):
    text = "FROM a AS b\nARG A\nRUN --mount=type=secret,id=frontend_env true\nFROM a\n"
    plan = Plan(strategy="spa", kind=Kind.SPA, dockerfile=text, build_args={"BUILDKIT_SYNTAX": "evil", "X": "1"})
    ready = prepared(checkout, plan, replace(REQUEST, frontend_env={"A": "1"}))
    assert ready.build_args == {"X": "1"}
    assert ready.private_args == {}
    assert ready.warnings == ()
    assert f"id={ready.secret_alias},target=/run/secrets/frontend_env" in ready.dockerfile


def test_a_secrets_name_changes_with_its_content_and_tells_nothing_of_it(checkout):
    source = recipe.find_source(OWN, checkout)
    names = {
        recipe.prepare(source, OWN, replace(REQUEST, frontend_env={"A": value}), {}, salt).secret_alias
        for value in ("1", "2")
        for salt in ("salt", "other")
    }
    assert len(names) == 4


@pytest.mark.parametrize("context", ["..", "missing", "link", "/", ".git"])
def test_a_context_outside_the_repository_is_refused(checkout, context):
    (checkout.workspace.root / "link").symlink_to("/")
    (checkout.workspace.root / ".git").mkdir()
    with pytest.raises(DeploymentFailed) as caught:
        recipe.find_source(replace(OWN, context=context), checkout)
    assert caught.value.code is Code.UNSAFE_REPOSITORY


def test_a_context_above_the_deployed_folder_but_in_the_checkout_is_fine(checkout):
    (checkout.workspace.checkout / "apps/web").mkdir(parents=True)
    below = replace(checkout, workspace=open_folder(checkout.workspace.checkout, "apps/web"))
    source = recipe.find_source(replace(OWN, context="../..", dockerfile_path="../../Dockerfile"), below)
    assert (source.context, source.folder) == (checkout.workspace.checkout, ".")


def test_a_dockerfile_that_is_not_there_is_said(checkout):
    with pytest.raises(DeploymentFailed, match="'deploy/Dockerfile' is not in the repository"):
        recipe.find_source(replace(OWN, dockerfile_path="deploy/Dockerfile"), checkout)


def test_a_dockerfile_that_links_out_of_the_repository_is_not_read(checkout):
    (checkout.workspace.root / "Evil").symlink_to("/etc/passwd")
    with pytest.raises(DeploymentFailed):
        recipe.find_source(replace(OWN, dockerfile_path="Evil"), checkout)


def test_a_nearly_full_disk_stops_a_build(settings):
    docker_build.check_disk(settings)
    with pytest.raises(DeploymentFailed, match="nearly full") as caught:
        docker_build.check_disk(settings.model_copy(update={"min_free_disk_mb": 10**12}))
    assert caught.value.code is Code.DISK_FULL


def test_progress_becomes_readable():
    raw = """#0 building with "default" instance using docker driver

#1 [internal] load build definition from Dockerfile
#1 transferring dockerfile: 303B done
#1 DONE 0.0s

#4 [b 1/3] FROM docker.io/library/a
#4 resolve docker.io/library/a done
#4 sha256:12 1.2MB / 3MB 0.3s
#4 DONE 0.0s

#6 [b 2/3] RUN one frontend_env_12,target=/run/secrets/frontend_env
#6 0.130 line 1
#6 0.630

#7 [c 2/2] RUN two
#7 0.1 other
#7 DONE 0.2s

#6 [b 2/3] RUN one frontend_env_12,target=/run/secrets/frontend_env
#6 1.133   indented
#6 ...
#6 DONE 1.6s

#8 [b 3/3] COPY . /src
#8 CACHED

#10 exporting to image
#10 exporting layers done
#10 writing image sha256:36 done
#10 DONE 0.0s"""
    readable = Readable(hidden="frontend_env_12")
    assert [text for line in raw.split("\n") if (text := readable.line(line)) is not None] == [
        "[b 1/3] FROM docker.io/library/a",
        "[b 2/3] RUN one frontend_env",
        "line 1",
        "",
        "[c 2/2] RUN two",
        "other",
        "[b 2/3] RUN one frontend_env",
        "  indented",
        "done in 1.6 s: [b 2/3] RUN one frontend_env",
        "[b 3/3] COPY . /src",
        "cached: [b 3/3] COPY . /src",
        "exporting to image",
    ]


def test_the_end_of_a_failed_build_is_shown_once():
    raw = """#10 [4/4] RUN exit 3
#10 0.115 bad
#10 ERROR: process "/bin/sh -c exit 3" did not complete successfully: exit code: 3
------
 > [4/4] RUN exit 3:
0.115 bad
------
Dockerfile:9
--------------------
   9 | >>> RUN exit 3
--------------------
ERROR: failed to solve: exit code: 3"""
    readable = Readable()
    shown = [text for line in raw.split("\n") if (text := readable.line(line)) is not None]
    assert shown.count("bad") == 1
    assert "   9 | >>> RUN exit 3" in shown
    assert shown[-1] == "ERROR: failed to solve: exit code: 3"


@given(st.lists(st.text(max_size=30)))
def test_no_output_makes_the_filter_fail(lines):
    readable = Readable(hidden="x_1")
    for line in lines:
        readable.line(line)


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1/x", "http://localhost:8000/", "http://[::1]/", "http://169.254.169.254/latest", "https://10.0.0.1",
        "http://[::ffff:127.0.0.1]/", "git@192.168.0.1:a/b.git", "http://2130706433/", "http:///x", "https://no.such.invalid/x",
    ],
)  # fmt: skip
async def test_addresses_that_are_not_public_are_unsafe(address):
    assert await remote_sources.unsafe_sources([(3, address)])


async def test_public_addresses_are_safe():
    assert await remote_sources.unsafe_sources([(1, "https://1.1.1.1/x"), (2, "git@8.8.8.8:a/b")]) == []


class Engine:
    """Stands in for the docker program: each build ends as the script says."""

    def __init__(self, *endings: list[str] | None) -> None:
        self.endings = list(endings)
        self.builds: list[list[str]] = []

    async def stream(self, argv, on_line, **_):
        if argv[1] != "build":
            return 1
        self.builds.append(argv)
        ending = self.endings.pop(0)
        if ending is None:
            Path(argv[argv.index("--iidfile") + 1]).write_text("sha256:1")
            return 0
        for line in ending:
            on_line(line)
        raise CommandFailed(argv, 1, ending)


@pytest.fixture
def build(checkout, settings, monkeypatch):
    async def resolve(names, emit, settings):
        return {name: f"mine/{name}" for name in names}

    async def run(engine: Engine, events: list):
        monkeypatch.setattr(docker_build.running.shell, "stream", engine.stream)
        monkeypatch.setattr(docker_build.base_images, "resolve", resolve)
        monkeypatch.setattr(docker_build.running, "_FIRST_WAIT_SECONDS", 0.001)
        monkeypatch.setattr(docker_build.running, "_LONGEST_WAIT_SECONDS", 0.002)
        return await docker_build.build_image(OWN, checkout, REQUEST, events.append, settings)

    return run


TIMEOUT = [
    "#4 [1/2] FROM a",
    "#4 ERROR: failed to do request: Head https://r.test/v2/: net/http: TLS handshake timeout",
]


async def test_a_failure_of_the_network_is_tried_again_and_said(build):
    events: list = []
    engine = Engine(TIMEOUT, ["toomanyrequests: slow down"], None)
    image = await build(engine, events)
    assert image.id == "sha256:1"
    assert len(engine.builds) == 3
    assert [event.text for event in events if event.kind is EventKind.NOTE] == [
        "The network failed; trying again (2 of 3).",
        "The network failed; trying again (3 of 3).",
    ]


async def test_a_network_that_stays_away_is_a_network_failure(build):
    engine = Engine(TIMEOUT, TIMEOUT, TIMEOUT)
    with pytest.raises(DeploymentFailed) as caught:
        await build(engine, [])
    assert caught.value.code is Code.NETWORK
    assert len(engine.builds) == 3


async def test_everything_else_fails_at_once(build):
    engine = Engine(["#5 [2/2] RUN x", "#5 0.1 boom", "ERROR: failed to solve: exit code: 1"])
    with pytest.raises(DeploymentFailed) as caught:
        await build(engine, [])
    assert caught.value.code is Code.BUILD_FAILED
    assert len(engine.builds) == 1


async def test_a_missing_buildx_is_said_as_such(build):
    engine = Engine(["ERROR: BuildKit is enabled but the buildx component is missing or broken."])
    with pytest.raises(ToolMissing, match="docker-buildx"):
        await build(engine, [])


async def test_the_copy_that_is_built_names_the_resolved_image(build, checkout):
    await build(Engine(None), [])
    assert (checkout.generated / "Dockerfile").read_text() == "FROM mine/a\nEXPOSE 80\n"
