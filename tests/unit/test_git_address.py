"""Git addresses, branches and subdirectories: what is accepted, as what, and why the rest is not."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robust_error_handler import BadRequest
from settings import Settings
from workspace import check_branch, check_subdirectory, container_name_for, parse_git_url

SETTINGS = Settings(_env_file=None)
LOCAL = Settings(_env_file=None, allow_local_repositories=True)
LAN = Settings(_env_file=None, allowed_private_hosts=("git.lan", "127.0.0.1:3000", "[::1]:3000"))

ACCEPTED = [
    ("https://github.com/o/r", "https://github.com/o/r", "github.com", "o/r"),
    ("  https://github.com/o/r.git/ \n", "https://github.com/o/r.git", "github.com", "o/r.git"),
    ("HTTPS://GitHub.COM/O/R", "https://github.com/O/R", "github.com", "O/R"),
    ("https://git.test:8443/a.git", "https://git.test:8443/a.git", "git.test", "a.git"),
    ("https://git.test:443/a.git", "https://git.test/a.git", "git.test", "a.git"),
    ("https://gitlab.com/group/sub/sub2/r", "https://gitlab.com/group/sub/sub2/r", "gitlab.com", "group/sub/sub2/r"),
    ("https://[2001:DB8::1]:8443/o/r", "https://[2001:db8::1]:8443/o/r", "2001:db8::1", "o/r"),
    ("https://git.test//o//r", "https://git.test/o/r", "git.test", "o/r"),
    ("https://github.com/o/r?tab=readme#usage", "https://github.com/o/r", "github.com", "o/r"),
    ("https://github.com/o/r/issues/12", "https://github.com/o/r", "github.com", "o/r"),
    (
        "https://dev.azure.com/o/My%20P/_git/r",
        "https://dev.azure.com/o/My%20P/_git/r",
        "dev.azure.com",
        "o/My%20P/_git/r",
    ),
    ("git@github.com:o/r.git", "git@github.com:o/r.git", "github.com", "o/r.git"),
    ("git@host.test:/srv/git/r.git", "git@host.test:/srv/git/r.git", "host.test", "srv/git/r.git"),
    ("git@[2001:db8::1]:o/r.git", "git@[2001:db8::1]:o/r.git", "2001:db8::1", "o/r.git"),
    ("ssh://git@github.com:22/o/r.git", "ssh://git@github.com/o/r.git", "github.com", "o/r.git"),
    ("ssh://me@host.test:2222/o/r.git", "ssh://me@host.test:2222/o/r.git", "host.test", "o/r.git"),
    ("ssh://host.test/o/r.git", "ssh://git@host.test/o/r.git", "host.test", "o/r.git"),
    ("git+ssh://git@host.test/o/r.git", "ssh://git@host.test/o/r.git", "host.test", "o/r.git"),
]

REFUSED = [
    ("", "no Git address"),
    ("--upload-pack=touch /tmp/x", "dash"),
    ("-oProxyCommand=x", "dash"),
    ("ext::sh -c touch% /tmp/x", "transport helpers"),
    ("fd::17/foo", "transport helpers"),
    ("https://git.test/a.git;touch /tmp/x", "space"),
    ("https://git.test/a.git;touch", "cannot hold"),
    ("https://git.test/$(id).git", "cannot hold"),
    ("https://git.test/`id`.git", "cannot hold"),
    ("https://git.test/a|b", "cannot hold"),
    ("https://git.test/a&b", "cannot hold"),
    ("https://git.test/../etc", "cannot hold"),
    ("https://git.test/a/%2e%2e/b", "cannot hold"),
    ("https://git.test/a%00b", "cannot hold"),
    ("https://github.com\\@127.0.0.1/a.git", "backslash"),
    ("https://git.test/a\nb", "control"),
    ("https://git.test/a\tb", "control"),
    ("https://git.test/a\x00b", "control"),
    ("https://gïthub.com/o/r", "not ASCII"),
    ("https://github.com/o/\u202er", "not ASCII"),
    ("http://github.com/o/r", "Plain http"),
    ("git://github.com/o/r", "git://"),
    ("ftp://github.com/o/r", "ftp://"),
    ("javascript://github.com/o/r", "javascript://"),
    ("file:///srv/git/r", "own disk"),
    ("/srv/git/r", "own disk"),
    ("./r", "own disk"),
    ("~/r", "own disk"),
    ("owner/repo", "not a full"),
    ("github.com/o/r", "not a full"),
    ("github.com:o/r", "neither a scheme nor a user"),
    ("https://github.com", "no repository"),
    ("https://github.com/", "no repository"),
    ("https:///o/r", "not a host name"),
    ("https://127.1/o/r", "not a host name"),
    ("https://2130706433/o/r", "not a host name"),
    ("https://0x7f000001/o/r", "not a host name"),
    ("https://0177.0.0.1/o/r", "not a host name"),
    ("https://host..test/o/r", "not a host name"),
    ("https://-host.test/o/r", "not a host name"),
    ("https://[fe80::1%eth0]/o/r", "not a host name"),
    ("https://[::1/o/r", "not a host name"),
    ("https://git.test:0/o/r", "not a port"),
    ("https://git.test:65536/o/r", "not a port"),
    ("https://git.test:8a/o/r", "not a host name"),
    ("git@host.test:-oProxyCommand=x", "dash"),
    ("-x@host.test:o/r", "dash"),
    ("ssh://-oProxyCommand=x/o/r", "not a host name"),
    ("ssh://-l@host.test/o/r", "user name"),
    ("https://git.test/" + "a" * 1000, "longer than"),
]


@pytest.mark.parametrize(("text", "url", "host", "path"), ACCEPTED)
def test_an_address_is_rebuilt_from_its_parts(text: str, url: str, host: str, path: str) -> None:
    address = parse_git_url(text, SETTINGS)
    assert (address.url, address.host, address.path) == (url, host, path)
    assert not address.credentials_removed


@pytest.mark.parametrize(("text", "url", "host", "path"), ACCEPTED)
def test_a_rebuilt_address_is_read_as_the_same_one(text: str, url: str, host: str, path: str) -> None:
    again = parse_git_url(parse_git_url(text, SETTINGS).url, SETTINGS)
    assert (again.url, again.host, again.path) == (url, host, path)


@pytest.mark.parametrize(("text", "why"), REFUSED)
def test_a_refusal_says_why_and_what_to_do(text: str, why: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_git_url(text, SETTINGS)
    assert why in caught.value.message
    assert caught.value.hint and caught.value.status == 422


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("owner/repo", "https://github.com/owner/repo"),
        ("github.com/o/r", "https://github.com/o/r"),
        ("http://github.com/o/r", "https://github.com/o/r"),
        ("http://u:s3cret@github.com/o/r", "https://github.com/o/r"),
        ("/srv/git/r", "BUTLER_ALLOW_LOCAL_REPOSITORIES"),
    ],
)
def test_a_refusal_names_the_address_that_was_probably_meant(text: str, hint: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_git_url(text, SETTINGS)
    assert hint in caught.value.hint and "s3cret" not in caught.value.hint + caught.value.message


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://me:s3cret@github.com/o/r", "https://github.com/o/r"),
        ("https://s3cret@github.com/o/r", "https://github.com/o/r"),
        ("https://a@s3cret@github.com/o/r", "https://github.com/o/r"),
        ("ssh://git:s3cret@host.test/o/r", "ssh://git@host.test/o/r"),
        ("https://github.com@127.0.0.1/a.git", "https://127.0.0.1/a.git"),
    ],
)
def test_credentials_are_dropped_and_that_is_reported(text: str, url: str) -> None:
    address = parse_git_url(text, SETTINGS)
    assert address.url == url and address.credentials_removed
    assert "s3cret" not in repr(address)


@pytest.mark.parametrize(
    "text", ["https://u:s3cret@github.com", "https://u:s3cret@github.com:0/o/r", "https://u:s3cret@h/;"]
)
def test_a_refusal_does_not_repeat_a_password(text: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_git_url(text, SETTINGS)
    assert "s3cret" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize(
    ("text", "path", "branch", "folder"),
    [
        ("https://github.com/o/r/tree/main", "o/r", "main", None),
        ("https://github.com/o/r/tree/main/apps/web/", "o/r", "main", "apps/web"),
        ("https://github.com/o/r/tree/main/My%20App", "o/r", "main", "My App"),
        ("https://github.com/o/r/blob/dev/src/app.py", "o/r", "dev", "src"),
        ("https://ghe.example.com/o/r/tree/main/x", "o/r", "main", "x"),
        ("https://gitlab.com/g/s/r/-/tree/main/x", "g/s/r", "main", "x"),
        ("https://gitlab.com/g/s/r/-/issues", "g/s/r", None, None),
        ("https://codeberg.org/o/r/src/branch/main/x", "o/r", "main", "x"),
        ("https://bitbucket.org/o/r/src/main/x", "o/r", "main", "x"),
    ],
)
def test_the_address_of_a_web_page_gives_branch_and_folder(
    text: str, path: str, branch: str | None, folder: str | None
) -> None:
    address = parse_git_url(text, SETTINGS)
    assert (address.path, address.branch_hint, address.subdirectory_hint) == (path, branch, folder)


def test_plain_http_is_for_hosts_that_the_operator_named() -> None:
    assert parse_git_url("http://git.lan/o/r", LAN).url == "http://git.lan/o/r"
    assert parse_git_url("http://127.0.0.1:3000/o/r", LAN).port == 3000
    assert parse_git_url("http://[::1]:3000/o/r", LAN).host == "::1"
    for text in ("http://127.0.0.1:3001/o/r", "http://127.0.0.1/o/r", "http://git.lan.test/o/r"):
        with pytest.raises(BadRequest):
            parse_git_url(text, LAN)


def test_local_paths_are_accepted_where_the_operator_allows_them(tmp_path: Path) -> None:
    address = parse_git_url(f"file://{tmp_path}", LOCAL)
    assert address.url == f"file://{tmp_path.resolve()}" and address.scheme == "file" and address.host == ""
    assert parse_git_url(str(tmp_path), LOCAL).url == address.url
    with pytest.raises(BadRequest):
        parse_git_url("/srv/$(id)", LOCAL)


@given(st.text(max_size=60) | st.from_regex(r"(https|ssh|http|git)://[ -~]{0,40}", fullmatch=True))
def test_whatever_is_accepted_means_the_same_host_to_urllib(text: str) -> None:
    try:
        address = parse_git_url(text, LAN)
    except BadRequest as error:
        assert error.message and error.hint
        return
    assert re.fullmatch(r"[!-~]+", address.url) and not address.url.startswith("-")
    assert not set(address.url) & set(" ;|&$`<>(){}\"'\\^*?#!")
    if "://" in address.url:
        parts = urlsplit(address.url)
        assert parts.hostname == address.host and parts.scheme == address.scheme
        assert (parts.port or None) == address.port
    assert parse_git_url(address.url, LAN).url == address.url


@given(
    st.sampled_from(["https://", "ssh://git@", "git@"]),
    st.lists(
        st.sampled_from(["github.com", "127.0.0.1", "@", ":", "/", "\\", "#", "?", "%40", "[::1]", "a", ".", ":80"]),
        max_size=8,
    ),
)
def test_no_mixture_of_separators_makes_two_parsers_disagree(start: str, parts: list[str]) -> None:
    try:
        address = parse_git_url(start + "".join(parts) + "/o/r", SETTINGS)
    except BadRequest:
        return
    if "://" in address.url:
        assert urlsplit(address.url).hostname == address.host
    else:
        assert address.url.partition("@")[2].partition(":")[0] == address.host or address.url.startswith("git@[")


@pytest.mark.parametrize("name", ["main", "feature/x", "v1.2.3", "release-2024_01", "a#1", "fix/issue-1", "user@host"])
def test_usual_branch_names_pass(name: str) -> None:
    assert check_branch(f" {name} ") == name


def test_no_branch_and_a_full_ref_are_understood() -> None:
    assert check_branch(None) is None and check_branch("  ") is None
    assert check_branch("refs/heads/main") == "main"


@pytest.mark.parametrize(
    "name",
    [
        "-x",
        "--upload-pack=x",
        "a..b",
        "a b",
        "a;b",
        "$(id)",
        "a/",
        "/a",
        "a//b",
        ".a",
        "a/.b",
        "a.lock",
        "a@{1}",
        "a\\b",
        "a~1",
        "a^",
        "a:b",
        "a\nb",
        "ä",
        "a" * 300,
    ],  # fmt: skip
)
def test_names_that_git_could_read_otherwise_are_refused(name: str) -> None:
    with pytest.raises(BadRequest) as caught:
        check_branch(name)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        (None, None),
        ("", None),
        ("/", None),
        (".", None),
        ("./a", "a"),
        ("/a//b/", "a/b"),
        ("apps/my web", "apps/my web"),
        ("app (1)", "app (1)"),
        ("höhe", "höhe"),
    ],  # fmt: skip
)
def test_subdirectories_are_normalised(text: str | None, folder: str | None) -> None:
    assert check_subdirectory(text) == folder


@pytest.mark.parametrize(
    "text", ["..", "a/../..", "a/..", "-rf", "a/-b", ".git", "a/.GIT/x", "a\\b", "a\nb", "a\x00", "a;b", "$x"]
)
def test_subdirectories_that_lead_elsewhere_are_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        check_subdirectory(text)


@given(st.text(max_size=40))
def test_branches_and_folders_are_refused_in_one_way_only(text: str) -> None:
    for check in (check_branch, check_subdirectory):
        try:
            found = check(text)
        except BadRequest:
            continue
        assert found is None or (found and not found.startswith(("-", "/")) and ".." not in found.split("/"))


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("https://github.com/User/My_Repo.git", "user-my-repo-"),
        ("https://gitlab.com/a/b/c/d", "c-d-"),
        ("git@host.test:r.git", "r-"),
        ("https://dev.azure.com/o/P/_git/r", "p-r-"),
        ("https://git.test/---", "app-"),
        ("https://git.test/" + "x" * 200, "x" * 41 + "-"),
    ],
)
def test_an_app_is_named_after_its_repository(text: str, start: str) -> None:
    names = {container_name_for(parse_git_url(text, SETTINGS)) for _ in range(3)}
    assert len(names) == 3
    for name in names:
        assert name.startswith(start) and re.fullmatch(r"[a-z0-9][a-z0-9-]*-[0-9a-f]{8}", name) and len(name) <= 50
