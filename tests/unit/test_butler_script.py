"""The script `./butler` with fakes for python, docker, git and id: what it makes, what it says, what it runs."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = "sh cat cksum dirname readlink uname mkdir rm rmdir mv sleep cut sed grep tail mktemp env".split()
PYTHON = """#!/bin/sh
echo "$(basename "$0") $*" >>"$CALLS"
case "$*" in
"-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
"-m pip --version") [ "$(basename "$0")" = python ] ;;
"-m pip install "*) sleep 0.3 ;;
-V) echo Python 3.11.2 ;;
esac
"""
DOCKER = """#!/bin/sh
case "$*" in
"version --format "*) [ -z "${NO_ENGINE:-}" ] && echo "${ENGINE:-26.1.5}" ;;
esac
"""


class Machine:
    """A folder with the script and a PATH that holds only what a test puts there."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "butler home"
        self.bin = folder / "bin"
        self.calls = folder / "calls"
        self.home.mkdir()
        self.bin.mkdir()
        shutil.copy(ROOT / "butler", self.home / "butler")
        (self.home / "requirements.txt").write_text("a==1\n")
        (self.home / "requirements-dev.txt").write_text("-r requirements.txt\nb==1\n")
        for tool in [*TOOLS, "basename", "cp"]:
            (self.bin / tool).symlink_to(shutil.which(tool) or tool)
        self.fake("id", '#!/bin/sh\n[ "$1" = -u ] && echo 1000 || echo alice\n')

    def fake(self, name: str, text: str = '#!/bin/sh\necho "$(basename "$0") $*" >>"$CALLS"\n') -> None:
        file = self.bin / name
        file.write_text(text)
        file.chmod(0o755)

    def environment(self, **more: str) -> dict[str, str]:
        return {"PATH": str(self.bin), "CALLS": str(self.calls), "HOME": str(self.home), **more}

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.home / "butler"), *words],
            capture_output=True,
            text=True,
            timeout=60,
            env=self.environment(**environment),
            cwd="/",
        )

    def called(self, words: str) -> int:
        return sum(words in line for line in self.calls.read_text().splitlines()) if self.calls.exists() else 0


@pytest.fixture
def bare(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def machine(bare: Machine) -> Machine:
    bare.fake("python3", PYTHON)
    bare.fake("git")
    bare.fake("docker", DOCKER)
    return bare


def test_the_script_is_sound_for_every_posix_shell() -> None:
    for shell in ("sh", "dash", "bash"):
        if shutil.which(shell):
            assert subprocess.run([shell, "-n", str(ROOT / "butler")], timeout=10).returncode == 0
    if shutil.which("shellcheck"):
        files = [ROOT / "butler", ROOT / ".ci/run", *sorted((ROOT / "base_images/files").glob("*entrypoint.sh"))]
        assert subprocess.run(["shellcheck", *map(str, files)], timeout=60).returncode == 0


def test_the_check_of_the_committed_build_sees_files_that_are_changed_gone_or_new(tmp_path: Path) -> None:
    text = (ROOT / ".ci/run").read_text()
    function = text[text.index("is_committed()") : text.index("./butler setup-dev")]
    git = ["git", "-c", "user.name=T", "-c", "user.email=t@example.org"]

    def is_committed() -> bool:
        return (
            subprocess.run(["sh", "-c", f"{function}\nis_committed static"], cwd=tmp_path, timeout=10).returncode == 0
        )

    page, asset = tmp_path / "static/index.html", tmp_path / "static/assets/new.js"
    asset.parent.mkdir(parents=True)
    page.write_text("page")
    (tmp_path / ".gitignore").write_text("*.log\n")
    for words in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "-m", "x"]):
        subprocess.run([*git, *words], cwd=tmp_path, check=True, timeout=10)
    assert is_committed()
    for new in (asset, asset.with_suffix(".log")):
        new.write_text("new")
        assert not is_committed()
        new.unlink()
    assert is_committed()
    page.write_text("changed")
    assert not is_committed()
    page.unlink()
    assert not is_committed()


def test_help_needs_nothing_and_is_what_no_command_gives(bare: Machine) -> None:
    assert "./butler COMMAND" in bare.run("help").stdout
    assert bare.run().stdout == bare.run("--help").stdout
    assert not (bare.home / ".venv").exists()


def test_the_environment_is_made_once_and_again_only_when_the_requirements_change(machine: Machine) -> None:
    assert machine.run("setup").returncode == 0
    assert machine.run("setup").returncode == 0
    assert (machine.called("-m venv"), machine.called("-m pip install")) == (1, 1)
    (machine.home / "requirements.txt").write_text("a==2\n")
    assert machine.run("setup").returncode == 0
    assert (machine.called("-m venv"), machine.called("-m pip install")) == (1, 2)


def test_two_at_once_make_the_environment_once(machine: Machine) -> None:
    command = [str(machine.home / "butler"), "setup"]
    both = [subprocess.Popen(command, env=machine.environment(), stderr=subprocess.PIPE) for _ in range(2)]
    for process in both:
        process.communicate(timeout=60)
    assert [process.returncode for process in both] == [0, 0]
    assert machine.called("-m pip install") == 1
    assert not (machine.home / ".venv/.lock").exists()


def test_a_lock_whose_owner_died_is_taken_over(machine: Machine) -> None:
    lock = machine.home / ".venv/.lock"
    lock.mkdir(parents=True)
    (lock / "pid").write_text("999999999\n")
    assert machine.run("setup").returncode == 0


def test_a_failed_installation_is_told_and_tried_again_the_next_time(machine: Machine) -> None:
    machine.fake("python3", PYTHON.replace("sleep 0.3 ;;", "exit 1 ;;"))
    failed = machine.run("setup")
    assert failed.returncode == 1
    assert "installing requirements.txt failed" in failed.stderr
    (machine.home / ".venv/bin/python").write_text(PYTHON)
    assert machine.run("setup").returncode == 0


def test_when_nothing_is_missing_it_takes_less_than_a_second(machine: Machine) -> None:
    machine.run("setup")
    started = time.monotonic()
    machine.run("health")
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    ("words", "call"),
    [
        (["serve"], "python orchestrator.py"),
        (["demo", "--keep"], "python demo.py --keep"),
        (["deploy", "https://x.example/a b.git"], "butler_cli.py deploy https://x.example/a b.git"),
        (["health"], "butler_cli.py health"),
        (["base-images", "list"], "butler_cli.py base-images list"),
        (["test", "unit", "-k", "x"], "python -m pytest tests/unit tests/strategies tests/test_*.py -k x"),
        (["test", "api"], "python -m pytest tests/api"),
        (["test"], "python -m pytest -n 2 --dist loadfile --no-loadscope-reorder tests"),
        (["test", "browser"], "python -m pytest tests/browser"),
        (["test", "lighthouse"], "python -m tests.browser.lighthouse"),
    ],
)
def test_a_word_runs_its_program_with_the_rest_of_the_words(machine: Machine, words: list[str], call: str) -> None:
    machine.fake("chromium")
    packages = machine.home / "frontend/node_modules"
    (packages / "lighthouse").mkdir(parents=True)
    (packages / "axe-core").mkdir()
    (packages / "axe-core" / "axe.min.js").touch()
    done = machine.run(*words)
    assert done.returncode == 0, done.stderr
    assert machine.called(call) == 1
    assert done.stdout == ""


def test_only_the_tests_that_need_docker_ask_for_it(bare: Machine) -> None:
    bare.fake("python3", PYTHON)
    bare.fake("git")
    assert bare.run("test", "unit").returncode == 0
    assert bare.run("test", "engine").returncode == 1


def test_browser_tests_install_what_they_need_or_say_what_is_missing(machine: Machine) -> None:
    done = machine.run("test", "browser")
    assert (done.returncode, "apt-get install chromium" in done.stderr) == (1, True)
    machine.fake("chromium")
    assert "need Node.js" in machine.run("test", "browser").stderr
    (machine.home / "frontend").mkdir()
    machine.fake("npm")
    assert machine.run("test", "browser").returncode == 0
    assert (machine.called("npm ci"), machine.called("python -m pytest tests/browser")) == (1, 1)


def test_without_docker_and_without_root_it_names_the_commands_and_never_calls_sudo(bare: Machine) -> None:
    bare.fake("python3", PYTHON)
    bare.fake("git")
    bare.fake("sudo")
    bare.fake("apt-get")
    done = bare.run("serve")
    assert done.returncode == 1
    if Path("/etc/debian_version").exists():
        assert f"    sudo {bare.home}/butler install\n    sudo usermod -aG docker alice" in done.stderr
    assert (bare.called("sudo"), bare.called("apt-get"), bare.called("orchestrator")) == (0, 0, 0)
    assert done.stderr.count("butler: ") == 1
    assert not (bare.home / ".venv").exists()


def test_an_engine_somewhere_else_that_does_not_answer_is_named(machine: Machine) -> None:
    done = machine.run("serve", NO_ENGINE="1", DOCKER_HOST="tcp://far.example:2375")
    assert done.returncode == 1
    assert "The Docker engine at tcp://far.example:2375 does not answer" in done.stderr


def test_an_old_engine_is_warned_of(machine: Machine) -> None:
    assert "warning: Docker Engine 20.10.24 is old" in machine.run("setup", ENGINE="20.10.24").stderr
    assert "warning" not in machine.run("setup").stderr


def test_it_works_through_a_link(machine: Machine, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(machine.home / "butler")
    done = subprocess.run([str(link), "health"], env=machine.environment(), capture_output=True, timeout=60)
    assert done.returncode == 0
    assert machine.called(f"{machine.home}/butler_cli.py health") == 1
