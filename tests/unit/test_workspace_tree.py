"""The questions that may be asked of a checkout: no link leads out, and no document does harm."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from robust_error_handler import BadRequest, Code, DeploymentFailed
from workspace import Workspace, open_folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("outside")
    folder = tmp_path / "repository"
    folder.mkdir()
    return folder


def write(root: Path, **files: str | bytes) -> Workspace:
    for name, content in files.items():
        place = root / name.replace("__", "/").replace("_dot_", ".")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())
    return open_folder(root)


def test_files_are_listed_without_what_tools_put_there(root: Path) -> None:
    workspace = write(
        root, b="", a__c="", node_modules__x="", _dot_git__config="", _dot_venv__x="", a__node_modules__y=""
    )
    assert workspace.files() == ("a/c", "b")


def test_links_inside_are_followed_and_links_out_are_not_there(root: Path) -> None:
    workspace = write(root, a__real="text")
    (root / "inner").symlink_to("a/real")
    (root / "out").symlink_to("../secret")
    (root / "absolute").symlink_to(root.parent / "secret")
    (root / "passwd").symlink_to("/etc/passwd")
    (root / "up").symlink_to("..")
    (root / "loop").symlink_to("loop")
    (root / "chain").symlink_to("out")
    assert workspace.files() == ("a/real", "inner")
    assert workspace.exists("inner") and workspace.read_text("inner") == "text"
    for path in (
        "out",
        "absolute",
        "passwd",
        "up/secret",
        "loop",
        "chain",
        "../secret",
        "/etc/passwd",
        "a/../../secret",
    ):
        assert not workspace.exists(path) and workspace.read_text(path) is None, path
    assert not workspace.is_dir("up") and workspace.is_dir("a") and not workspace.is_dir("inner")


def test_a_folder_that_links_to_itself_ends(root: Path) -> None:
    workspace = write(root, a__x="")
    (root / "a" / "again").symlink_to("..")
    assert workspace.files() == ("a/x",)


@pytest.mark.parametrize("path", ["", ".", "a\0b", "x" * 5000, "a/" * 3000, "\ud800", "*", "-rf"])
def test_no_path_is_too_strange_to_ask_for(root: Path, path: str) -> None:
    workspace = write(root, a="")
    assert not workspace.exists(path) and workspace.read_text(path) is None and workspace.json(path) is None


def test_pipes_and_sockets_are_no_files(root: Path) -> None:
    os.mkfifo(root / "pipe")
    workspace = open_folder(root)
    assert workspace.files() == () and not workspace.exists("pipe") and workspace.read_text("pipe") is None


def test_the_history_is_out_of_reach(root: Path) -> None:
    workspace = write(root, _dot_git__config="token")
    assert workspace.read_text(".git/config") is None and not workspace.is_dir(".git")


def test_names_with_control_characters_are_not_listed(root: Path) -> None:
    workspace = write(root, good="")
    (root / "a\nRUN id").write_text("")
    (root / os.fsdecode(b"bad\xff")).write_text("")
    assert workspace.files() == ("good",)


@pytest.mark.parametrize(
    "content",
    ["grüße".encode(), b"\xef\xbb\xbf" + "grüße".encode(), "grüße".encode("utf-16"), "grüße".encode("latin-1"), b"\xfe\xff" + "grüße".encode("utf-16-be")],
)  # fmt: skip
def test_text_is_read_whatever_its_encoding(root: Path, content: bytes) -> None:
    assert write(root, a=content).read_text("a") == "grüße"


def test_text_is_cut_at_its_limit_between_two_characters(root: Path) -> None:
    assert write(root, a="üü").read_text("a", limit=3) == "ü"
    assert len(write(root, big="x" * 2_000_000).read_text("big") or "") == 1024 * 1024


def test_documents_are_read_and_anything_else_is_none(root: Path) -> None:
    workspace = write(
        root,
        a_dot_json='{"a": 1, // why\n "url": "http://x", /* b */ "list": [1,],}',
        list_dot_json="[1]",
        bad_dot_json="{",
        a_dot_toml='[project]\nname = "x"',
        bad_dot_toml="[",
        a_dot_yml="a: [1]\n---\nb: 2\n",
        bad_dot_yml="a: [",
        python_dot_yml="!!python/object/apply:os.system [id]",
        tag_dot_yml="a: !custom 1",
    )
    assert workspace.json("a.json") == {"a": 1, "url": "http://x", "list": [1]}
    assert workspace.toml("a.toml") == {"project": {"name": "x"}} and workspace.yaml("a.yml") == {"a": [1]}
    for found in (
        workspace.json("list.json"),
        workspace.json("bad.json"),
        workspace.toml("bad.toml"),
        workspace.json("none"),
    ):
        assert found is None
    assert [workspace.yaml(name) for name in ("bad.yml", "python.yml", "tag.yml", "none")] == [None] * 4


def test_half_an_emoji_in_json_can_be_written_again(root: Path) -> None:
    found = write(root, a_dot_json='{"name": "\\ud800x", "ok": "\\ud83d\\ude00"}').json("a.json")
    assert found is not None and found["ok"] == "\U0001f600"
    assert found["name"].encode()


def test_documents_made_to_do_harm_do_none(root: Path) -> None:
    merges = "a0: &a0 {k: 1}\n" + "".join(
        f"a{n}: &a{n} {{<<: [{','.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 12)
    )
    workspace = write(
        root,
        deep_dot_yml="[" * 300_000,
        dashes_dot_yml="- " * 300_000,
        merges_dot_yml=merges,
        deep_dot_json='{"a":' + "[" * 300_000,
        comments_dot_json="{" + "/*" * 1_000_000 + '\\"' * 1_000_000,
        deep_dot_toml="a=" + "[" * 300_000,
        digits_dot_json='{"a": ' + "9" * 100_000 + "}",
    )
    started = time.monotonic()
    assert [workspace.yaml(name) for name in ("deep.yml", "dashes.yml", "merges.yml")] == [None] * 3
    assert [workspace.json(name) for name in ("deep.json", "comments.json", "digits.json")] == [None] * 3
    assert workspace.toml("deep.toml") is None
    assert time.monotonic() - started < 5


def test_globs_keep_to_one_folder_unless_told_otherwise(root: Path) -> None:
    workspace = write(
        root, a_dot_py="", b_dot_txt="", x__a_dot_py="", x__y__a_dot_py="", Dockerfile_dot_dev="", dockerfile=""
    )
    assert workspace.glob("*.py") == ("a.py",)
    assert workspace.glob("**/*.py") == ("a.py", "x/a.py", "x/y/a.py")
    assert workspace.glob("*/a.py") == ("x/a.py",)
    assert workspace.glob("*.{py,txt}") == ("a.py", "b.txt")
    assert workspace.glob("[Dd]ockerfile*") == ("Dockerfile.dev", "dockerfile")
    assert workspace.glob("?.py") == ("a.py",) and workspace.glob("a.p") == () and workspace.glob("a+py") == ()


def test_a_subdirectory_may_look_up_to_the_checkout_and_no_further(root: Path) -> None:
    write(root, lock="", apps__web__package_dot_json="{}")
    workspace = open_folder(root, "apps//web/")
    assert workspace.subdirectory == "apps/web" and workspace.checkout == root.resolve()
    assert workspace.files() == ("package.json",)
    assert workspace.exists("../../lock") and not workspace.exists("../../../secret")


def test_a_subdirectory_that_is_not_there_is_named_with_those_that_are(root: Path) -> None:
    write(root, apps__x="", docs__x="")
    (root / "link").symlink_to("..")
    for missing in ("app", "link", "../repository-2", "apps/x"):
        with pytest.raises(DeploymentFailed) as caught:
            open_folder(root, missing)
        assert caught.value.code is Code.NOTHING_RECOGNISED
        assert missing in caught.value.message and "apps, docs" in caught.value.hint


def test_a_folder_that_is_not_there_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(BadRequest) as caught:
        open_folder(tmp_path / "none")
    assert caught.value.hint


def test_ten_thousand_files_are_listed_in_a_moment(root: Path) -> None:
    for folder in range(100):
        (root / f"d{folder}").mkdir()
        for file in range(100):
            (root / f"d{folder}" / f"f{file}").touch()
    started = time.monotonic()
    assert len(open_folder(root).files()) == 10_000
    assert time.monotonic() - started < 2
