"""What a Compose stack may ask for: every refused key, with its service and line, all at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import compose_file
from docker_compose import policy
from robust_error_handler import Code, DeploymentFailed
from workspace import open_folder


def refused(folder: Path, service: dict[str, Any], **top: Any) -> tuple[str, ...]:
    """What the policy says of one service, given as Compose resolves it."""
    model = {"services": {"web": {"image": "nginx", **service}, "db": {"image": "postgres"}}, **top}
    (folder / "docker-compose.yml").write_text(yaml.safe_dump(model, sort_keys=False))
    text = compose_file.read(open_folder(folder), "docker-compose.yml")
    return policy.refusals(model, text, folder)


REFUSED: dict[str, Any] = {
    "privileged": True,
    "cap_add": ["SYS_ADMIN"],
    "devices": [{"source": "/dev/sda", "target": "/dev/sda", "permissions": "rwm"}],
    "device_cgroup_rules": ["c 1:3 mr"],
    "gpus": "all",
    "runtime": "runsc",
    "security_opt": ["seccomp=unconfined"],
    "network_mode": "host",
    "pid": "host",
    "ipc": "host",
    "uts": "host",
    "userns_mode": "host",
    "cgroup": "host",
    "cgroup_parent": "/",
    "sysctls": {"net.core.somaxconn": "1"},
    "oom_kill_disable": True,
    "oom_score_adj": -500,
    "mem_swappiness": 10,
    "blkio_config": {"weight": 300},
    "cpu_rt_runtime": "400ms",
    "cpu_rt_period": "1400us",
    "storage_opt": {"size": "1G"},
    "credential_spec": {"file": "x.json"},
    "volumes_from": ["container:other"],
    "external_links": ["other:db"],
    "use_api_socket": True,
    "dns": ["10.0.0.1"],
    "dns_opt": ["x"],
    "dns_search": ["evil.test"],
    "mac_address": "02:42:ac:11:65:43",
    "provider": {"type": "sh"},
    "models": {"a": {}},
    "label_file": ["labels"],
    "group_add": ["docker"],
    "cpuset": "0",
    "isolation": "hyperv",
    "never_heard_of": 1,
}


@pytest.mark.parametrize("key", REFUSED)
def test_a_key_that_reaches_the_host_is_refused_with_service_key_and_line(tmp_path: Path, key: str) -> None:
    if key == "label_file":
        (tmp_path / "labels").touch()
    found = refused(tmp_path, {key: REFUSED[key]})
    assert len(found) == 1
    assert found[0].startswith('Service "web"')
    assert "line 4 of docker-compose.yml" in found[0]
    assert key in found[0] or "Docker socket" in found[0]


def test_the_words_are_those_of_the_design(tmp_path: Path) -> None:
    assert refused(tmp_path, {"privileged": True}) == (
        'Service "web": "privileged" is not allowed on this server because it would give the container control of the '
        "whole machine. Remove line 4 of docker-compose.yml.",
    )


@pytest.mark.parametrize("mode", ["container:other", "service:unknown", "host", "butler-other-net"])
def test_only_the_stacks_own_network_can_be_shared(tmp_path: Path, mode: str) -> None:
    assert refused(tmp_path, {"network_mode": mode})


@pytest.mark.parametrize(
    "service",
    [
        {"network_mode": "none"},
        {"network_mode": "bridge"},
        {"network_mode": "service:db"},
        {"security_opt": ["no-new-privileges:true"]},
        {"ipc": "private"},
        {"privileged": False, "cap_add": [], "pid": ""},
        {"oom_score_adj": 100},
        {"x-anything": {"privileged": True}},
        {"develop": {"watch": []}, "annotations": {"a": "b"}, "attach": False},
        {"links": ["db:database"]},
        {"cap_drop": ["ALL"], "user": "1000", "tmpfs": ["/tmp"], "hostname": "h"},
        {"post_start": [{"command": "true"}]},
        {"volumes": [{"type": "tmpfs", "target": "/x"}, {"type": "volume", "target": "/y"}]},
    ],
)
def test_what_harms_nobody_is_allowed(tmp_path: Path, service: dict[str, Any]) -> None:
    assert refused(tmp_path, service) == ()


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("/", "outside the repository"),
        ("/etc", "outside the repository"),
        ("/var/run/docker.sock", "Docker socket"),
        ("/run/docker.sock", "Docker socket"),
        ("/run/user/1000/docker.sock", "Docker socket"),
        ("/run/containerd/containerd.sock", "Docker socket"),
        ("/run/podman/podman.sock", "Docker socket"),
        ("/var/run", "Docker socket"),
        ("{clone}/../other", "outside the repository"),
        ("{clone}/link", "outside the repository"),
        ("{clone}/.git", "outside the repository"),
        ("{clone}/folder/deep/link", "outside the repository"),
    ],
)
def test_binds_stay_inside_the_clone_whatever_links_say(tmp_path: Path, source: str, words: str) -> None:
    clone = tmp_path / "clone"
    (clone / "folder").mkdir(parents=True)
    (clone / ".git").mkdir()
    (clone / "link").symlink_to("/etc")
    (clone / "folder" / "deep").symlink_to("..")
    mount = {"type": "bind", "source": source.format(clone=clone), "target": "/x"}
    found = refused(clone, {"volumes": [mount]})
    assert len(found) == 1
    assert words in found[0]
    assert "line 5 of docker-compose.yml" in found[0]


def test_a_bind_inside_the_clone_is_allowed_also_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "link").symlink_to("conf")
    mounts = [{"type": "bind", "source": str(tmp_path / name), "target": "/x"} for name in ("conf", "link", "missing")]
    assert refused(tmp_path, {"volumes": mounts}) == ()


@pytest.mark.parametrize(
    ("mount", "words"),
    [
        ({"type": "npipe", "source": "x", "target": "/x"}, "mount type"),
        ({"type": "image", "source": "x", "target": "/x"}, "mount type"),
        ({"type": "cluster", "source": "x", "target": "/x"}, "mount type"),
        ({"type": "volume", "target": "v:/v"}, "not an absolute path"),
        ({"type": "volume", "source": "undeclared", "target": "/x"}, "not declared"),
        ({"type": "bind", "source": "relative", "target": "/x"}, "outside the repository"),
    ],
)
def test_other_mounts_are_refused(tmp_path: Path, mount: dict[str, Any], words: str) -> None:
    (found,) = refused(tmp_path, {"volumes": [mount]})
    assert words in found


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ssh", ["default"]),
        ("privileged", True),
        ("entitlements", ["network.host"]),
        ("network", "host"),
        ("extra_hosts", ["a=127.0.0.1"]),
        ("additional_contexts", {"a": "/etc"}),
        ("isolation", "x"),
        ("ulimits", {"nofile": 1}),
        ("never_heard_of", 1),
    ],
)
def test_build_keys_that_reach_out_are_refused(tmp_path: Path, key: str, value: Any) -> None:
    (tmp_path / "Dockerfile").touch()
    found = refused(tmp_path, {"build": {"context": str(tmp_path), "dockerfile": "Dockerfile", key: value}})
    assert len(found) == 1
    assert f'"build.{key}"' in found[0]
    assert "line 7 of docker-compose.yml" in found[0]


@pytest.mark.parametrize(
    ("context", "dockerfile", "words"),
    [
        ("/etc", "Dockerfile", "outside the repository"),
        ("https://evil.test/x.git", "Dockerfile", "outside the repository"),
        ("{clone}/link", "Dockerfile", "outside the repository"),
        ("{clone}/..", "Dockerfile", "outside the repository"),
        ("{clone}/nowhere", "Dockerfile", "not a folder"),
        ("{clone}", "/etc/passwd", "outside the repository"),
        ("{clone}", "../../x", "outside the repository"),
        ("{clone}", "Missing", "not in the repository"),
    ],
)
def test_builds_stay_inside_the_clone(tmp_path: Path, context: str, dockerfile: str, words: str) -> None:
    clone = tmp_path / "clone"
    clone.mkdir()
    (clone / "link").symlink_to("/root")
    found = refused(clone, {"build": {"context": context.format(clone=clone), "dockerfile": dockerfile}})
    assert len(found) == 1
    assert words in found[0]


@pytest.mark.parametrize(
    ("top", "words"),
    [
        ({"networks": {"n": {"external": True, "name": "bob_default"}}}, 'Network "n": "external" is not allowed'),
        ({"volumes": {"v": {"external": True}}}, 'Volume "v": "external" is not allowed'),
        ({"volumes": {"v": {"driver": "rexray"}}}, 'the driver "rexray"'),
        ({"volumes": {"v": {"driver_opts": {"type": "none", "o": "bind", "device": "/"}}}}, '"driver_opts"'),
        ({"secrets": {"s": {"external": True}}}, 'Secret "s": "external"'),
        ({"secrets": {"s": {"environment": "JWT_SECRET_KEY"}}}, '"environment" is not allowed'),
        ({"secrets": {"s": {"file": "/etc/shadow"}}}, "outside the repository"),
        ({"configs": {"c": {"file": "/etc/passwd"}}}, "outside the repository"),
        ({"volumes": {"$(id)": {}}}, "may only hold letters"),
        ({"models": {"m": {}}}, '"models" at the top level'),
        ({"never_heard_of": {"m": {}}}, '"never_heard_of" at the top level'),
    ],
)
def test_top_level_declarations_reach_nothing_of_others(tmp_path: Path, top: dict[str, Any], words: str) -> None:
    (found,) = refused(tmp_path, {}, **top)
    assert words in found


def test_a_missing_secret_is_named(tmp_path: Path) -> None:
    (found,) = refused(tmp_path, {}, secrets={"s": {"file": str(tmp_path / "db" / "password.txt")}})
    assert '"db/password.txt"' in found
    assert "is not in the repository" in found


@pytest.mark.parametrize("image", ["local-registry/bob-shop:abc", "sha256:" + "a" * 64, "deadbeefdead"])
def test_images_of_this_server_itself_are_refused(tmp_path: Path, image: str) -> None:
    (found,) = refused(tmp_path, {"image": image})
    assert image in found


def test_names_that_a_shell_would_act_on_are_refused(tmp_path: Path) -> None:
    (tmp_path / "docker-compose.yml").write_text("services: {}\n")
    text = compose_file.read(open_folder(tmp_path), "docker-compose.yml")
    found = policy.refusals({"services": {"a;id": {"image": "x"}, "api.test": {"image": "x"}}}, text, tmp_path)
    assert len(found) == 1
    assert 'Service "a;id"' in found[0]


@pytest.mark.parametrize("hook", ["post_start", "pre_stop"])
def test_hooks_may_not_change_who_they_are(tmp_path: Path, hook: str) -> None:
    (found,) = refused(tmp_path, {hook: [{"command": "id", "user": "root"}]})
    assert hook in found


def test_all_findings_come_in_one_error(tmp_path: Path) -> None:
    model = {"services": {"web": {"image": "x", "privileged": True, "pid": "host"}, "b": {"image": "y", "ipc": "host"}}}
    (tmp_path / "compose.yml").write_text(yaml.safe_dump(model))
    with pytest.raises(DeploymentFailed) as caught:
        policy.check(model, compose_file.read(open_folder(tmp_path), "compose.yml"), tmp_path)
    assert caught.value.code is Code.COMPOSE_REFUSED
    assert len(caught.value.lines) == 3
    assert "(and 2 more)" in caught.value.message
    assert caught.value.hint


def test_the_refused_docker_socket_says_what_to_remove_and_why_nothing_is_lost(tmp_path: Path) -> None:
    (message,) = refused(tmp_path, {"volumes": [{"type": "bind", "source": "/var/run/docker.sock", "target": "/s"}]})
    assert 'Remove that line, or the service "web" if it cannot do without' in message
    assert "no proxy that watches Docker is needed" in message
