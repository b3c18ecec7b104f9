"""What a user meets while deploying: verified success, explained failures, and an app that survives both."""

from __future__ import annotations

import asyncio
import json
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from tests.engine.harness import (
    Client,
    Repository,
    Server,
    app_frames,
    body_of,
    docker,
    free_port,
    inspect,
    objects_of,
    socket_events,
)

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

SERVER = """
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response({status}); self.end_headers(); self.wfile.write({body!r}.encode())
    def log_message(self, *words): pass
print("listening on port", {port}, flush=True)
http.server.ThreadingHTTPServer(({host!r}, int({port})), Handler).serve_forever()
"""


def app_files(
    *,
    body: str = "hello",
    port: str = "os.environ['PORT']",
    host: str = "0.0.0.0",
    status: int = 200,
    before: str = "",
    expose: str = "EXPOSE 7000",
    steps: str = "",
) -> dict[str, str]:
    """A repository with a Dockerfile and a small server."""
    # Docker remembers the steps of earlier runs; these must happen.
    steps = f"RUN : {uuid.uuid4()}\n{steps}" if steps else ""
    source = "import os\n" + before + SERVER.format(body=body, port=port, host=host, status=status)
    return {
        "server.py": source,
        "Dockerfile": f"FROM python:3.11-slim\nWORKDIR /app\n{steps}\nCOPY server.py .\n{expose}\n"
        'CMD ["python3", "server.py"]\n',
    }


def failure_of(client: Client, repository: Repository, code: str, **fields: Any) -> dict[str, Any]:
    answer = client.try_deploy(repository, **fields)
    assert answer.status_code == 422, answer.text
    error: dict[str, Any] = answer.json()["error"]
    assert error["code"] == code, error
    assert error["message"] and error["hint"] and error["trace_id"]
    return {**answer.json(), **error}


def test_a_failed_redeploy_leaves_the_release_before_it_serving(alice: Client, repository: Repository) -> None:
    repository.commit(app_files(body="one"))
    first = alice.deploy(repository)
    app = first["container_name"]
    broken = repository.commit(app_files(body="two", before="raise SystemExit('no luck')\n"))
    failure = failure_of(alice, repository, "crashed-at-start", name=app)
    assert any("no luck" in line for line in failure["lines"])
    assert body_of(first["deployed_url"]) == "one"
    row = alice.get(f"/deployments/{app}").json()
    assert (row["status"], row["phase"], row["live_release"], row["release"]) == ("success", "live", 1, 2)
    assert row["error"]["code"] == "crashed-at-start"
    assert alice.get(f"/deployments/{app}/releases/2").json()["commit_sha"] == broken
    repository.commit(app_files(body="three"))
    assert body_of(alice.deploy(repository, name=app)["deployed_url"]) == "three"
    assert alice.get(f"/deployments/{app}").json()["error"] is None


def test_a_first_deployment_that_fails_leaves_nothing_on_the_engine(alice: Client, repository: Repository) -> None:
    repository.commit(app_files(before="import sys; sys.exit(3)\n"))
    failure = failure_of(alice, repository, "crashed-at-start")
    left = objects_of(alice.server, failure["container_name"])
    assert left["containers"] == left["networks"] == []
    assert alice.get(f"/deployments/{failure['container_name']}").json()["status"] == "failed"


PROXY = """
import http.server, urllib.request
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        try: status, body = 200, urllib.request.urlopen("http://api:9000/", timeout=3).read()
        except OSError: status, body = 502, b""
        self.send_response(status); self.end_headers(); self.wfile.write(body)
    def log_message(self, *words): pass
http.server.ThreadingHTTPServer(("", 7000), Handler).serve_forever()
"""


def test_an_app_that_answers_with_errors_and_ends_is_not_waited_for(
    make_server: Callable[..., Server], repository: Repository
) -> None:
    client = make_server(BUTLER_START_TIMEOUT_SECONDS="3600", BUTLER_FIRST_HOST_PORT="18580").user()
    ending = "import threading\nthreading.Timer(3, lambda: (print('no way on', flush=True), os._exit(3))).start()\n"
    repository.commit(app_files(status=500, before=ending))
    failure = failure_of(client, repository, "crashed-at-start")
    assert "no way on" in failure["lines"]


def test_a_stack_whose_back_end_keeps_ending_is_not_waited_for_and_the_back_end_is_named(
    make_server: Callable[..., Server], repository: Repository
) -> None:
    client = make_server(BUTLER_START_TIMEOUT_SECONDS="3600", BUTLER_FIRST_HOST_PORT="18580").user()
    back = app_files(before="raise SystemExit('no way on')\n")
    repository.commit(
        {
            **app_files(),
            "server.py": PROXY,
            **{f"api/{name}": text for name, text in back.items()},
            "compose.yaml": "services:\n  web: {build: ., ports: ['7000']}\n"
            "  api: {build: ./api, expose: ['9000'], restart: always}\n",
        }
    )
    failure = failure_of(client, repository, "crashed-at-start")
    assert 'Service "api" ends again and again' in failure["message"] and '"web", failed as well' in failure["message"]
    assert "no way on" in failure["lines"]


def test_an_app_on_another_port_is_found_there_and_told(alice: Client, repository: Repository) -> None:
    repository.commit(app_files(port="9123", body="found"))
    done = alice.deploy(repository)
    assert done["deployment"]["container_port"] == 9123
    assert body_of(done["deployed_url"]) == "found"
    assert "9123" in alice.log(done["container_name"])


def test_an_app_on_loopback_only_is_told_so_with_the_remedy(alice: Client, repository: Repository) -> None:
    repository.commit(app_files(host="127.0.0.1"))
    failure = failure_of(alice, repository, "loopback-only")
    assert "127.0.0.1" in failure["message"]
    assert "0.0.0.0" in failure["hint"]


def test_a_missing_variable_is_named_and_supplied_by_the_backend_env(alice: Client, repository: Repository) -> None:
    repository.commit(app_files(before="greeting = os.environ['GREETING']\n"))
    failure = failure_of(alice, repository, "missing-variable")
    assert "GREETING" in failure["message"]
    assert alice.deploy(repository, env="GREETING=good day\n", name=failure["container_name"])["status"] == "success"


def test_an_app_that_answers_with_server_errors_only_is_no_success(
    make_server: Callable[..., Server], repository: Repository
) -> None:
    client = make_server(BUTLER_START_TIMEOUT_SECONDS="5", BUTLER_FIRST_HOST_PORT="19080").user()
    repository.commit(app_files(status=500))
    failure = failure_of(client, repository, "not-answering")
    assert "500" in failure["message"]


def test_an_app_that_opens_no_port_is_told_after_the_time_limit(
    make_server: Callable[..., Server], repository: Repository
) -> None:
    client = make_server(BUTLER_START_TIMEOUT_SECONDS="5", BUTLER_FIRST_HOST_PORT="19180").user()
    repository.commit(app_files(before="import time\nprint('warming up', flush=True)\ntime.sleep(600)\n"))
    failure = failure_of(client, repository, "not-answering")
    assert any("warming up" in line for line in failure["lines"])


def test_an_app_over_its_memory_is_told_so(make_server: Callable[..., Server], repository: Repository) -> None:
    client = make_server(BUTLER_MEMORY_LIMIT="64m", BUTLER_FIRST_HOST_PORT="19280").user()
    repository.commit(app_files(before="hog = [bytearray(2**20) for _ in range(1000)]\n"))
    assert "64m" in failure_of(client, repository, "out-of-memory")["message"]


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ("RUN echo compiling && false", "build-failed"),
        ("RUN pip install this-package-does-not-exist-anywhere-1", "dependency-not-found"),
    ],
)
def test_a_build_that_fails_is_explained_by_its_lines(
    alice: Client, repository: Repository, steps: str, code: str
) -> None:
    repository.commit(app_files(steps=steps))
    assert failure_of(alice, repository, code)["lines"]


@pytest.mark.parametrize(
    ("files", "fields", "code"),
    [
        ({"notes.txt": "nothing"}, {}, "nothing-recognised"),
        ({"index.html": "hi"}, {"branch": "no-such-branch"}, "branch-missing"),
        ({"Dockerfile": "FROM no-such-image-anywhere:1\nCMD true\n"}, {}, "image-not-found"),
        (
            {"compose.yaml": "services:\n  web:\n    build: .\n    ports: ['80']\n    prots: [81]\n"},
            {},
            "compose-invalid",
        ),
        (
            {"compose.yaml": "services:\n  web:\n    build: .\n    ports: [80]\n    privileged: true\n"},
            {},
            "compose-refused",
        ),
        (
            {"package.json": '{"scripts":{"start":"node ."},"dependencies":{"no-such-package-anywhere-77":"1.0.0"}}'},
            {},
            "dependency-not-found",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_cannot_be_deployed_is_refused_with_its_category(
    alice: Client, repository: Repository, files: dict[str, str], fields: dict[str, str], code: str
) -> None:
    repository.commit(files)
    failure_of(alice, repository, code, **fields)


def test_docker_that_is_down_is_told_at_once(make_server: Callable[..., Server], repository: Repository) -> None:
    server = make_server(DOCKER_HOST="unix:///nonexistent/docker.sock")
    repository.commit({"index.html": "hi"})
    failure = failure_of(server.user(), repository, "docker-down")
    assert "ocker" in failure["hint"]
    health = httpx2.get(f"{server.base}/health", trust_env=False)
    assert health.status_code == 503
    assert health.json()["checks"]["docker"]["ok"] is False
    assert health.json()["checks"]["git"]["ok"] is True


def test_a_plain_tcp_service_counts_when_it_takes_connections(alice: Client, repository: Repository) -> None:
    source = (
        "import os, socket\nlistener = socket.create_server(('', 7000))\n"
        "while True:\n    peer, _ = listener.accept()\n    peer.sendall(b'READY\\n')\n    peer.close()\n"
    )
    repository.commit({**app_files(), "server.py": source})
    assert alice.deploy(repository)["status"] == "success"


def test_variables_reach_the_app_exactly_and_appear_nowhere_else(alice: Client, repository: Repository) -> None:
    secret = "p\"a$s\\ word'#1"
    env = "TOKEN='" + secret.replace("\\", "\\\\").replace("'", "\\'") + '\'\nMULTI="one\ntwo"\n'
    before = "print('token is', os.environ['TOKEN'], flush=True)\n"
    repository.commit(app_files(body="ok", before=before + "assert os.environ['MULTI'] == 'one\\ntwo'\n"))
    done = alice.deploy(repository, env=env)
    app = done["container_name"]
    environment = dict(entry.split("=", 1) for entry in inspect(app)["Config"]["Env"])
    assert environment["TOKEN"] == secret
    assert environment["BUTLER_APP"] == app
    image = inspect(app)["Image"]
    for place in (alice.log(app), docker("history", "--no-trunc", image), json.dumps(inspect(image)["Config"])):
        assert secret not in place
    assert secret not in (alice.server.data_dir / "server.log").read_text()
    assert secret.encode() not in (alice.server.data_dir / "deployments.db").read_bytes()


def test_build_variables_reach_the_build_and_stay_out_of_the_image(
    alice: Client, make_repository: Callable[[str], Repository]
) -> None:
    from tests.engine.harness import EXAMPLES

    repository = make_repository("spa-with-env")
    repository.copy_of(EXAMPLES / "spa")
    main = next(path for path in repository.folder.rglob("main.*") if path.suffix in (".js", ".jsx", ".ts", ".tsx"))
    repository.commit(
        {str(main.relative_to(repository.folder)): main.read_text() + "\nconsole.log(import.meta.env.VITE_GREETING)\n"}
    )
    answer = alice.try_deploy(repository, build_env="VITE_GREETING=greetings-from-the-build\n")
    assert answer.status_code == 200, answer.text
    done = answer.json()
    page = body_of(done["deployed_url"])
    script = page.split('src="')[1].split('"')[0]
    assert "greetings-from-the-build" in body_of(done["deployed_url"] + script)
    history = docker("history", "--no-trunc", inspect(done["container_name"])["Image"])
    assert "greetings-from-the-build" not in history + alice.log(done["container_name"])


def test_a_client_that_goes_away_does_not_stop_its_deployment(alice: Client, repository: Repository) -> None:
    repository.commit(app_files(steps="RUN sleep 3"))
    with pytest.raises(httpx2.TimeoutException):
        alice.post("/deploy", data={"git_url": repository.url}, timeout=1.5)
    row = wait_for(alice, lambda rows: rows and rows[0]["status"] != "starting")[0]
    assert row["status"] == "success"
    assert body_of(row["deployed_url"]) == "hello"


def test_a_deployment_can_be_answered_at_once_and_followed_by_its_numbered_lines(
    alice: Client, repository: Repository
) -> None:
    repository.commit(app_files(steps="RUN for i in 1 2 3 4 5 6; do echo line $i; sleep 0.3; done"))
    answer = alice.post("/deploy", data={"git_url": repository.url}, headers={"Prefer": "respond-async"})
    assert answer.status_code == 202
    app = answer.json()["container_name"]
    assert answer.headers["Location"] == f"/deployments/{app}"
    events = asyncio.run(socket_events(alice, app, seconds=300))
    numbers = [event["seq"] for event in events if event["type"] == "event"]
    assert numbers == list(range(1, len(numbers) + 1))
    texts = [event["text"] for event in events if event["type"] == "event"]
    assert [text for text in texts if text.startswith("line ")] == [f"line {n}" for n in range(1, 7)]
    stages = [event["stage"] for event in events if event.get("kind") == "stage-finished"]
    assert stages == ["validate", "clone", "detect", "clean", "build", "start", "port", "verify", "record"]
    half = asyncio.run(socket_events(alice, app, after=numbers[len(numbers) // 2]))
    assert [event["seq"] for event in half if event["type"] == "event"] == numbers[len(numbers) // 2 + 1 :]


def test_what_an_app_writes_is_followed_as_it_comes_without_its_secrets(alice: Client, repository: Repository) -> None:
    repository.commit(
        app_files(
            before="import threading, time\ndef talk():\n    for n in range(1000):\n"
            "        print('tick', n, os.environ['TOKEN'], flush=True); time.sleep(0.1)\n"
            "threading.Thread(target=talk, daemon=True).start()\n"
        )
    )
    app = alice.deploy(repository, env="TOKEN=a-very-secret-value\n")["container_name"]
    ticks: list[int] = []
    with alice.stream("GET", f"/deployments/{app}/logs/live", params={"tail": 5}) as answer:
        for line in answer.iter_lines():
            assert "a-very-secret-value" not in line
            if "tick" in line:
                ticks.append(int(json.loads(line)["text"].split()[1]))
            if len(ticks) == 20:
                break
    assert ticks == list(range(ticks[0], ticks[0] + 20))
    followed: list[dict[str, Any]] = []
    with alice.stream("GET", f"/deployments/{app}/logs/live", params={"tail": 5000}) as answer:
        for line in answer.iter_lines():
            followed += [json.loads(line)] if line else []
            if len(followed) == 30:
                stopping = threading.Thread(target=alice.post, args=(f"/deployments/{app}/stop",))
                stopping.start()
    stopping.join()
    numbered = {line["seq"]: line["text"] for line in asyncio.run(app_frames(alice, app))}
    assert len(followed) > 30 and all(numbered[line["seq"]] == line["text"] for line in followed)


def test_a_build_can_be_cancelled_and_nothing_of_it_goes_on(alice: Client, repository: Repository) -> None:
    repository.commit(app_files(steps="RUN echo started; sleep 333"))
    app = alice.post("/deploy", data={"git_url": repository.url}, headers={"Prefer": "respond-async"}).json()[
        "container_name"
    ]
    wait_for(alice, lambda rows: "started" in alice.log(app))
    began = time.monotonic()
    assert alice.post(f"/deployments/{app}/cancel").status_code == 200
    assert time.monotonic() - began < 30
    row = alice.get(f"/deployments/{app}").json()
    assert (row["status"], row["error"]["code"]) == ("failed", "cancelled")
    deadline = time.monotonic() + 15
    while "sleep 333" in (running := _processes()) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert "sleep 333" not in running
    assert alice.post(f"/deployments/{app}/cancel").status_code == 409


def test_destroying_an_app_that_is_being_deployed_ends_both(alice: Client, repository: Repository) -> None:
    repository.commit(app_files(steps="RUN sleep 60"))
    app = alice.post("/deploy", data={"git_url": repository.url}, headers={"Prefer": "respond-async"}).json()[
        "container_name"
    ]
    wait_for(alice, lambda rows: rows[0]["phase"] == "build")
    alice.destroy(app)
    assert alice.get(f"/deployments/{app}").status_code == 404
    assert objects_of(alice.server, app) == {"containers": [], "images": [], "networks": [], "volumes": []}
    assert alice.delete(f"/deployments/{app}").status_code == 404


def test_the_next_free_host_port_is_used_when_one_is_taken(
    make_server: Callable[..., Server], repository: Repository
) -> None:
    import socket

    port = free_port()
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", port))
        squatter.listen()
        client = make_server(BUTLER_FIRST_HOST_PORT=str(port)).user()
        repository.commit(app_files())
        assert client.deploy(repository)["deployment"]["host_port"] > port


def test_a_server_killed_in_mid_build_tells_so_and_its_apps_go_on(
    make_server: Callable[..., Server], make_repository: Callable[[str], Repository]
) -> None:
    server = make_server(BUTLER_FIRST_HOST_PORT="19380")
    client = server.user()
    steady, slow = make_repository("steady"), make_repository("slow")
    steady.commit(app_files(body="steady"))
    slow.commit(app_files(steps="RUN echo building; sleep 120"))
    url = client.deploy(steady)["deployed_url"]
    app = client.post("/deploy", data={"git_url": slow.url}, headers={"Prefer": "respond-async"}).json()[
        "container_name"
    ]
    wait_for(client, lambda rows: "building" in client.log(app))
    lines_before = client.log(app)
    server.stop(kill=True)
    assert body_of(url) == "steady"
    server.start()
    row = client.get(f"/deployments/{app}").json()
    assert (row["status"], row["error"]["code"]) == ("failed", "interrupted")
    assert client.log(app).startswith(lines_before)
    assert body_of(url) == "steady"
    assert not list((server.data_dir / "work").iterdir())


def test_a_server_told_to_stop_ends_what_it_builds_and_answers_who_waits_for_it(
    make_server: Callable[..., Server], repository: Repository
) -> None:
    server = make_server(BUTLER_FIRST_HOST_PORT="19580")
    client, answers = server.user(), []
    repository.commit(app_files(steps="RUN echo building; sleep 200"))
    waiting = threading.Thread(target=lambda: answers.append(client.try_deploy(repository)))
    waiting.start()
    other = Client(server, client.name, client.token)
    app = wait_for(other, lambda rows: rows and "building" in other.log(rows[0]["container_name"]))[0]["container_name"]
    assert server.process is not None
    server.process.terminate()
    assert server.process.wait(20) in (0, -15), "the signal itself is how uvicorn ends"
    waiting.join(20)
    assert answers[0].json()["error"]["code"] == "interrupted"
    server.process = None
    server.start()
    assert other.get(f"/deployments/{app}").json()["error"]["code"] == "interrupted"
    other.close()


def test_nobody_sees_or_touches_what_is_anothers(butler: Server, alice: Client, repository: Repository) -> None:
    bob = butler.user()
    repository.commit({"index.html": "alice's page"})
    app = alice.deploy(repository)["container_name"]
    absent = bob.get("/deployments/no-such-app-00000000")
    for method, address in (
        ("GET", f"/deployments/{app}"),
        ("GET", f"/deployments/{app}/logs"),
        ("POST", f"/deployments/{app}/cancel"),
        ("DELETE", f"/deployments/{app}"),
    ):
        answer = bob.request(method, address)
        assert answer.status_code == 404
        assert answer.json()["error"]["message"] == absent.json()["error"]["message"]
    assert bob.try_deploy(repository, name=app).status_code == 404
    assert bob.get("/deployments").json() == []
    assert alice.get(f"/deployments/{app}").status_code == 200


def test_two_butlers_on_one_engine_leave_each_other_alone(
    make_server: Callable[..., Server], make_repository: Callable[[str], Repository]
) -> None:
    one, two = make_server(BUTLER_FIRST_HOST_PORT="19480"), make_server(BUTLER_FIRST_HOST_PORT="19480")
    repository = make_repository("shared")
    repository.commit({"index.html": "hello"})
    first, second = one.user(), two.user()
    done, other = first.deploy(repository), second.deploy(repository)
    assert done["deployed_url"] != other["deployed_url"]
    first.destroy(done["container_name"])
    one.stop()
    one.start()
    assert "hello" in body_of(other["deployed_url"])
    assert objects_of(two)["containers"]


def wait_for(client: Client, condition: Callable[[list[dict[str, Any]]], object]) -> list[dict[str, Any]]:
    """Ask for the list of apps until it is as wished."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        rows = client.get("/deployments").json()
        if condition(rows):
            return rows
        time.sleep(0.2)
    raise AssertionError(f"it did not come to pass: {rows}")


def _processes() -> str:
    from pathlib import Path

    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(file.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return "\n".join(found)
