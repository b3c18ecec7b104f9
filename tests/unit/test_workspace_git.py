"""How git is called, what its complaints mean, and which IP addresses are public."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from domain import DeployRequest, Event, Secret
from robust_error_handler import Code, CommandFailed, CommandTimedOut, DeploymentFailed
from settings import Settings, tool_environment
from workspace import GitAddress, clone, git_command, hosts, parse_git_url
from workspace.fetching import Session
from workspace.git_command import Remote
from workspace.git_errors import AccessDenied, Redirected, TransientFailure, explain, private_or_missing

SETTINGS = Settings(_env_file=None, data_dir=Path("/srv/butler"))
ADDRESS = parse_git_url("https://github.com/o/r.git", SETTINGS)
REMOTE = Remote(ADDRESS, ("140.82.121.3", "2606:50c0::1"))
SAFE = [
    "git",
    *(
        word
        for setting in (
            "core.hooksPath=/dev/null",
            "core.fsmonitor=false",
            "core.attributesFile=/dev/null",
            "core.protectHFS=true",
            "core.protectNTFS=true",
            "core.symlinks=false",
            "credential.helper=",
            "submodule.recurse=false",
            "advice.detachedHead=false",
            "gc.auto=0",
            "core.fsync=none",
        )
        for word in ("-c", setting)
    ),
]
FETCH = [
    word
    for setting in (
        "http.followRedirects=false",
        "http.lowSpeedLimit=1000",
        "http.lowSpeedTime=30",
        "transfer.fsckObjects=true",
        "fetch.fsck.zeroPaddedFilemode=ignore",
        "fetch.fsck.badTimezone=ignore",
        "fetch.fsck.missingSpaceBeforeDate=ignore",
        "fetch.fsck.missingNameBeforeEmail=ignore",
        "fetch.fsck.missingSpaceBeforeEmail=ignore",
        "http.curloptResolve=github.com:443:140.82.121.3,[2606:50c0::1]",
    )
    for word in ("-c", setting)
]
CLONE = ["clone", "--progress", "--template=", "--depth=1", "--single-branch", "--no-tags", "--no-checkout"]


def test_a_clone_is_shallow_pinned_and_ends_its_options() -> None:
    url = "https://github.com/o/r.git"
    assert git_command.clone_argv(REMOTE, None, "src") == [*SAFE, *FETCH, *CLONE, "--", url, "src"]
    assert git_command.clone_argv(REMOTE, "dev", "src") == [*SAFE, *FETCH, *CLONE, "--branch=dev", "--", url, "src"]


def test_the_other_calls_are_closed_in_the_same_way() -> None:
    url = "https://github.com/o/r.git"
    fetch = ["fetch", "--progress", "--depth=1", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head"]
    assert git_command.fetch_argv(REMOTE, "ab12", "src/lib") == [
        *SAFE,
        *FETCH,
        "-C",
        "src/lib",
        *fetch,
        "--",
        url,
        "ab12",
    ]
    assert git_command.branches_argv(REMOTE) == [*SAFE, *FETCH, "ls-remote", "--heads", "--", url]
    assert git_command.init_argv("src/lib") == [*SAFE, "init", "--quiet", "--template=", "--", "src/lib"]
    assert git_command.list_argv("src", "HEAD") == [*SAFE, "-C", "src", "ls-tree", "-r", "-l", "HEAD"]
    assert git_command.checkout_argv("src", "HEAD") == [*SAFE, "-C", "src", "read-tree", "--reset", "-u", "HEAD"]
    lfs = [
        word
        for setting in (
            "lfs.url=https://github.com/o/r.git/info/lfs",
            "lfs.concurrenttransfers=4",
            "filter.lfs.clean=git-lfs clean -- %f",
            "filter.lfs.smudge=git-lfs smudge -- %f",
            "filter.lfs.process=git-lfs filter-process",
            "filter.lfs.required=true",
        )
        for word in ("-c", setting)
    ]
    assert git_command.lfs_argv(REMOTE, "src") == [*SAFE, *FETCH, *lfs, "-C", "src", "lfs", "pull"]


def test_git_gets_an_environment_without_anybodys_configuration() -> None:
    environment = git_command.git_environment(REMOTE, SETTINGS, Path("/srv/empty"))
    assert environment.pop("GIT_SSL_CAINFO", None) == (
        tool_environment().get("GIT_SSL_CAINFO") or tool_environment().get("SSL_CERT_FILE")
    )
    assert shlex.split(environment.pop("GIT_SSH_COMMAND"))[0] == "ssh"
    assert environment == {
        "HOME": "/srv/empty",
        "XDG_CONFIG_HOME": "/srv/empty",
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "false",
        "SSH_ASKPASS": "false",
        "SSH_ASKPASS_REQUIRE": "never",
        "GIT_SSH_VARIANT": "ssh",
        "GIT_ALLOW_PROTOCOL": "https",
        "GIT_LFS_SKIP_SMUDGE": "1",
    }


def test_the_token_is_a_header_for_its_own_host_in_the_environment() -> None:
    remote = Remote(ADDRESS, (), Secret("ghp_x"))
    environment = git_command.git_environment(remote, SETTINGS, Path("/srv/empty"))
    assert environment["GIT_CONFIG_COUNT"] == "1"
    assert environment["GIT_CONFIG_KEY_0"] == "http.https://github.com/.extraHeader"
    value = environment["GIT_CONFIG_VALUE_0"]
    assert isinstance(value, Secret)
    assert value.reveal() == "Authorization: Basic eC1hY2Nlc3MtdG9rZW46Z2hwX3g="
    assert not any("ghp_x" in word or "eC1hY2" in word for word in git_command.clone_argv(remote, None, "src"))
    assert "ghp_x" not in repr(remote) + repr(environment) and "eC1hY2" not in repr(environment)


@pytest.mark.parametrize(
    ("api", "url", "gets_it"),
    [
        ("https://api.github.com", "https://github.com/o/r", True),
        ("https://api.github.com", "https://GitHub.com:443/o/r", True),
        ("https://api.github.com", "https://github.com:444/o/r", False),
        ("https://api.github.com", "https://github.com.evil.test/o/r", False),
        ("https://api.github.com", "https://gist.github.com/o/r", False),
        ("https://api.github.com", "https://gitlab.com/o/r", False),
        ("https://api.github.com", "git@github.com:o/r", False),
        ("https://ghe.example.com/api/v3", "https://ghe.example.com/o/r", True),
        ("https://ghe.example.com/api/v3", "https://github.com/o/r", False),
        ("https://api.acme.ghe.com", "https://acme.ghe.com/o/r", True),
    ],
)
def test_a_token_belongs_to_one_github(api: str, url: str, gets_it: bool) -> None:
    settings = SETTINGS.model_copy(update={"github_api_url": api})
    assert bool(git_command.token_for(parse_git_url(url, settings), Secret("t"), settings)) is gets_it


def test_ssh_asks_nobody_uses_no_agent_and_goes_to_the_checked_address() -> None:
    settings = SETTINGS.model_copy(update={"ssh_key_file": Path("/srv/it's a key")})
    remote = Remote(parse_git_url("git@git.test:o/r.git", settings), ("140.82.121.3",))
    words = shlex.split(git_command.git_environment(remote, settings, Path("/srv/empty"))["GIT_SSH_COMMAND"])
    assert words[:3] == ["ssh", "-F", "/dev/null"] and set(words[3::2]) == {"-o"}
    assert words[4::2] == [
        "BatchMode=yes",
        "StrictHostKeyChecking=accept-new",
        'UserKnownHostsFile="/srv/butler/ssh_known_hosts"',
        "GlobalKnownHostsFile=/dev/null",
        "IdentitiesOnly=yes",
        "IdentityAgent=none",
        'IdentityFile="/srv/it\'s a key"',
        "ConnectTimeout=20",
        "ServerAliveInterval=15",
        "ServerAliveCountMax=2",
        "PermitLocalCommand=no",
        "ClearAllForwardings=yes",
        "HostName=140.82.121.3",
        "HostKeyAlias=git.test",
    ]


@pytest.mark.parametrize(
    ("address", "public"),
    [("140.82.121.3", True), ("8.8.8.8", True), ("2606:50c0:8000::153", True), ("::ffff:8.8.8.8", True), ("127.0.0.1", False), ("127.255.255.254", False), ("0.0.0.0", False), ("10.0.0.1", False), ("172.31.255.255", False), ("192.168.0.1", False), ("169.254.169.254", False), ("100.64.0.1", False), ("198.18.0.1", False), ("224.0.0.1", False), ("240.0.0.1", False), ("255.255.255.255", False), ("192.88.99.1", False), ("::", False), ("::1", False), ("::ffff:127.0.0.1", False), ("::127.0.0.1", False), ("fe80::1", False), ("fe80::1%eth0", False), ("fc00::1", False), ("fec0::1", False), ("ff02::1", False), ("2002:7f00:1::", False), ("64:ff9b::7f00:1", False), ("64:ff9b:1::1", False), ("2001::1", False), ("2001:db8::1", False), ("100::1", False), ("no address", False)],
)  # fmt: skip
def test_only_addresses_on_the_internet_are_public(address: str, public: bool) -> None:
    assert hosts.is_public(address) is public


@pytest.mark.parametrize(
    ("lines", "code", "kind"),
    [
        (["fatal: could not read Username for 'https://github.com': terminal prompts disabled"], Code.REPOSITORY_PRIVATE, AccessDenied),
        (["remote: Invalid username or password.", "fatal: Authentication failed for 'https://x/'"], Code.REPOSITORY_PRIVATE, AccessDenied),
        (["remote: Write access to repository not granted.", "fatal: unable to access 'https://x/': The requested URL returned error: 403"], Code.REPOSITORY_PRIVATE, AccessDenied),
        (["remote: Repository not found.", "fatal: repository 'https://github.com/o/r/' not found"], Code.REPOSITORY_PRIVATE, AccessDenied),
        (["git@github.com: Permission denied (publickey).", "fatal: Could not read from remote repository.", "Please make sure you have the correct access rights"], Code.REPOSITORY_PRIVATE, AccessDenied),
        (["warning: Could not find remote branch x to clone.", "fatal: Remote branch x not found in upstream origin"], Code.BRANCH_MISSING, DeploymentFailed),
        (["fatal: unable to access 'https://x/': The requested URL returned error: 301"], Code.CLONE_REFUSED, Redirected),
        (["fatal: unable to access 'https://x/': Could not resolve host: x"], Code.NETWORK, TransientFailure),
        (["ssh: Could not resolve hostname x: Temporary failure in name resolution", "fatal: Could not read from remote repository."], Code.NETWORK, TransientFailure),
        (["fatal: unable to access 'https://x/': Failed to connect to x port 443 after 1 ms: Couldn't connect to server"], Code.NETWORK, TransientFailure),
        (["ssh: connect to host x port 22: Connection refused", "fatal: Could not read from remote repository.", "Please make sure you have the correct access rights"], Code.NETWORK, TransientFailure),
        (["fatal: unable to access 'https://x/': gnutls_handshake() failed: The TLS connection was non-properly terminated."], Code.NETWORK, TransientFailure),
        (["error: RPC failed; curl 92 HTTP/2 stream 5 was not closed cleanly: CANCEL (err 8)", "fatal: early EOF", "fatal: fetch-pack: invalid index-pack output"], Code.NETWORK, TransientFailure),
        (["fatal: unable to access 'https://x/': The requested URL returned error: 502"], Code.NETWORK, TransientFailure),
        (["fatal: unable to access 'https://x/': The requested URL returned error: 429"], Code.NETWORK, TransientFailure),
        (["fatal: the remote end hung up unexpectedly"], Code.NETWORK, TransientFailure),
        (["fatal: unable to access 'https://x/': Operation too slow. Less than 1000 bytes/sec transferred the last 30 seconds"], Code.TIMEOUT, TransientFailure),
        (["fatal: unable to access 'https://x/': server certificate verification failed. CAfile: none CRLfile: none"], Code.CLONE_REFUSED, DeploymentFailed),
        (["fatal: unable to access 'https://x/': SSL certificate problem: self-signed certificate"], Code.CLONE_REFUSED, DeploymentFailed),
        (["Host key verification failed.", "fatal: Could not read from remote repository."], Code.CLONE_REFUSED, DeploymentFailed),
        (["fatal: https://x/info/refs not valid: is this a git repository?"], Code.CLONE_REFUSED, DeploymentFailed),
        (["fatal: '/x' does not appear to be a git repository", "fatal: Could not read from remote repository.", "", "Please make sure you have the correct access rights"], Code.CLONE_REFUSED, DeploymentFailed),
        (["fatal: transport 'file' not allowed"], Code.CLONE_REFUSED, DeploymentFailed),
        (["fatal: write error: No space left on device", "fatal: fetch-pack: invalid index-pack output"], Code.DISK_FULL, DeploymentFailed),
        (["error: index-pack died of signal 25", "fatal: fetch-pack: invalid index-pack output"], Code.REPOSITORY_TOO_LARGE, DeploymentFailed),
        (["error: object 12ab: hasDotgit: contains '.git'", "fatal: fsck error in packed object", "fatal: fetch-pack: invalid index-pack output"], Code.UNSAFE_REPOSITORY, DeploymentFailed),
        (["fatal: something new"], Code.CLONE_REFUSED, DeploymentFailed),
        ([], Code.CLONE_REFUSED, DeploymentFailed),
    ],
)  # fmt: skip
def test_gits_complaints_have_a_cause_and_a_remedy(lines: list[str], code: Code, kind: type[DeploymentFailed]) -> None:
    error = explain(CommandFailed(["git", "clone"], 128, lines))
    assert error.code is code and type(error) is kind and error.message
    assert error.hint or kind is AccessDenied
    assert not lines or error.lines


def test_a_repository_that_calls_itself_a_cause_does_not_choose_it() -> None:
    lines = ["Cloning into 'src'...", "remote: Enumerating objects: 3, done.", "fatal: Remote branch timed-out not found in upstream origin"]  # fmt: skip
    assert explain(CommandFailed(["git"], 128, lines)).code is Code.BRANCH_MISSING


def test_a_timeout_names_what_it_waited_for() -> None:
    error = explain(CommandTimedOut(["git"], 300, "the repository", []))
    assert error.code is Code.TIMEOUT and "300 s" in error.message and "the repository" in error.message


def test_each_kind_of_private_repository_has_its_own_remedy() -> None:
    def hint(**facts: bool) -> str:
        given: dict[str, Any] = {"is_github": False, "had_token": False, "is_ssh": False, "lines": (), **facts}
        return private_or_missing(**given).hint

    assert "PUT /api/auth/github-token" in hint(is_github=True)
    assert "may have expired" in hint(is_github=True, had_token=True)
    assert "https address" in hint(is_ssh=True) and "GitHub only" in hint()


@pytest.fixture
def public_names(monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolve(_: GitAddress) -> tuple[str, ...]:
        return ("140.82.121.3",)

    monkeypatch.setattr(hosts, "_resolve", resolve)


@pytest.mark.usefixtures("public_names")
@pytest.mark.parametrize(
    ("text", "key", "url"),
    [
        ("git@github.com:o/r.git", None, "https://github.com/o/r.git"),
        ("ssh://git@gitlab.com/o/r.git", None, "https://gitlab.com/o/r.git"),
        ("git@git.test:o/r.git", None, "git@git.test:o/r.git"),
        ("ssh://git@github.com:2222/o/r.git", None, "ssh://git@github.com:2222/o/r.git"),
        ("git@gitlab.com:o/r.git", Path("/srv/key"), "git@gitlab.com:o/r.git"),
    ],
)
async def test_well_known_hosts_are_reached_over_https_where_no_key_is_set(
    text: str, key: Path | None, url: str
) -> None:
    settings = SETTINGS.model_copy(update={"ssh_key_file": key})
    session = Session(Path("/srv/x"), lambda _: None, settings, Secret("t"), 0)
    remote = await session.remote(parse_git_url(text, settings))
    assert remote.address.url == url and remote.pins == ("140.82.121.3",)
    assert (remote.token is not None) is url.startswith("https://github.com/")


@pytest.fixture
def fake_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An `ssh` that writes down its arguments and runs the asked-for program here."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = f'#!/bin/sh\nprintf "%s\\n" "$@" >{tmp_path}/argv\nfor last; do :; done\n[ -e {tmp_path}/denied ] && {{ echo "git@git.test: Permission denied (publickey)." >&2; exit 255; }}\nexec sh -c "$last"\n'  # fmt: skip
    (folder / "ssh").write_text(script)
    (folder / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{tool_environment()['PATH']}")
    tool_environment.cache_clear()
    yield tmp_path
    monkeypatch.undo()
    tool_environment.cache_clear()


@pytest.mark.parametrize("form", ["git@git.test:{}/app", "ssh://git@git.test:2222{}/app"])
async def test_a_repository_is_cloned_over_ssh(fake_ssh: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    async def resolve(_: GitAddress) -> tuple[str, ...]:
        return ("140.82.121.3",)

    monkeypatch.setattr(hosts, "_resolve", resolve)
    app = fake_ssh / "app"
    app.mkdir()
    identity = ["-c", "user.name=Ann", "-c", "user.email=a@b.test"]
    for words in (["init", "-q", "."], [*identity, "commit", "-qm", "One", "--allow-empty"]):
        subprocess.run(["git", *words], cwd=app, check=True)
    settings = Settings(_env_file=None, data_dir=fake_ssh / "data", min_free_disk_mb=1)
    events: list[Event] = []
    request = DeployRequest(form.format(fake_ssh), "ann-app-0a1b2c3d", 1)
    async with clone(request, events.append, settings) as checkout:
        assert checkout.commit.subject == "One"
    words = (fake_ssh / "argv").read_text().splitlines()
    assert "HostName=140.82.121.3" in words and "BatchMode=yes" in words and "git@git.test" in words
    assert ("2222" in words) is form.startswith("ssh:")
    (fake_ssh / "denied").touch()
    with pytest.raises(DeploymentFailed) as caught:
        async with clone(request, events.append, settings):
            pass
    assert caught.value.code is Code.REPOSITORY_PRIVATE and "ssh key" in caught.value.hint
