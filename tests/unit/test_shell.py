"""The one door to other programs: nothing is lost, nothing leaks, nothing is left running."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import shell
from domain import Secret
from robust_error_handler import CommandFailed, CommandTimedOut, ToolMissing


async def lines_of(script: str, *arguments: str, timeout_seconds: float = 20) -> list[str]:
    lines: list[str] = []
    await shell.stream(
        [sys.executable, "-c", script, *arguments], lines.append, timeout_seconds=timeout_seconds, waiting_for="a test"
    )
    return lines


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()


async def gone(pid: int) -> bool:
    for _ in range(100):
        if not alive(pid):
            return True
        await asyncio.sleep(0.02)
    return False


async def pid_in(file: Path) -> int:
    for _ in range(250):
        if file.exists() and (text := file.read_text()).endswith("\n"):
            return int(text)
        await asyncio.sleep(0.02)
    raise AssertionError("the grandchild never started")


async def test_both_streams_arrive_merged_and_in_order() -> None:
    script = "import sys; print('a', flush=True); print('b', file=sys.stderr, flush=True); print('c')"
    assert await lines_of(script) == ["a", "b", "c"]


async def test_a_line_over_64_kib_is_cut_and_the_next_one_is_whole() -> None:
    lines = await lines_of("print('x' * 200_000); print('after')")
    assert lines[0].startswith("x" * 8192) and lines[0].endswith("(line cut)") and len(lines[0]) < 8300
    assert lines[1] == "after"


async def test_ten_megabytes_without_a_line_end_use_no_memory_to_speak_of() -> None:
    lines = await lines_of("import sys\nfor _ in range(1000): sys.stdout.write('y' * 10_000)")
    assert len(lines) == 1 and len(lines[0]) < 8300


async def test_a_last_line_without_an_end_arrives() -> None:
    assert await lines_of("print('a\\nb', end='')") == ["a", "b"]


async def test_bytes_that_are_no_utf8_do_not_stop_the_reading() -> None:
    assert await lines_of(r"import sys; sys.stdout.buffer.write(b'a\xffb\n\xc3\xa9\n')") == ["a\ufffdb", "é"]


async def test_a_character_split_between_two_writes_is_one_character() -> None:
    script = (
        r"import sys, time; w = sys.stdout.buffer; w.write(b'\xc3'); w.flush(); time.sleep(0.1); w.write(b'\xa9\n')"
    )
    assert await lines_of(script) == ["é"]


async def test_quick_progress_shows_only_its_last_state() -> None:
    assert await lines_of(r"print('1%\r2%\r100%'); print('next\r'); print('x\r\ny')") == ["100%", "next", "x", "y"]


async def test_slow_progress_shows_a_state_each_second_and_the_last_one_once() -> None:
    script = (
        r"import time; [(print(f'{n}%', end='\r', flush=True), time.sleep(0.6)) for n in (10, 40, 70, 100)]; print()"
    )
    lines = await lines_of(script)
    assert len(lines) == 2 and lines[-1] == "100%"


async def test_lines_come_while_the_program_runs() -> None:
    times: list[float] = []
    script = "import time; print('a', flush=True); time.sleep(0.5); print('b')"
    await shell.stream(
        [sys.executable, "-c", script],
        lambda _: times.append(time.monotonic()),
        timeout_seconds=20,
        waiting_for="a test",
    )
    assert times[1] - times[0] > 0.3


async def test_a_failure_carries_the_code_and_the_last_lines() -> None:
    with pytest.raises(CommandFailed) as caught:
        await lines_of("import sys; print('why'); sys.exit(3)")
    assert caught.value.exit_code == 3 and caught.value.tail == ["why"]


async def test_an_expected_code_is_no_failure() -> None:
    code = await shell.stream(["sh", "-c", "exit 7"], print, timeout_seconds=5, waiting_for="a test", ok_codes=(0, 7))
    assert code == 7


async def test_a_secret_reaches_the_program_and_never_the_error() -> None:
    with pytest.raises(CommandFailed) as caught:
        await shell.output(["sh", "-c", 'test "${#0}" = 7 && exit 9', Secret("hunter2")])
    assert caught.value.exit_code == 9
    assert "hunter2" not in f"{caught.value} {caught.value!r} {caught.value.argv}"
    assert caught.value.argv[-1] == "***"


async def test_a_secret_in_the_environment_reaches_the_program() -> None:
    assert await shell.output(["sh", "-c", 'echo "$TOKEN"'], env={"TOKEN": Secret("hunter2")}) == "hunter2\n"


async def test_the_environment_of_the_server_stays_with_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUTLER_SECRET_KEY", "x" * 40)
    assert "BUTLER_SECRET_KEY" not in await shell.output(["env"])


async def test_a_missing_program_is_an_error_with_a_remedy() -> None:
    with pytest.raises(ToolMissing) as caught:
        await shell.output(["no-such-program-here"])
    assert "no-such-program-here" in caught.value.message and caught.value.hint


async def test_a_missing_folder_is_not_mistaken_for_a_missing_program(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await shell.output(["true"], cwd=tmp_path / "none")


async def test_a_timeout_says_what_it_waited_for_and_ends_grandchildren(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    script = f"sh -c 'trap \"\" TERM; echo $$ >{file}; sleep 60' & echo started; wait"
    started = time.monotonic()
    with pytest.raises(CommandTimedOut) as caught:
        await shell.stream(["sh", "-c", script], print, timeout_seconds=0.6, waiting_for="the slow thing")
    assert caught.value.waiting_for == "the slow thing" and caught.value.tail == ["started"]
    assert time.monotonic() - started < 0.6 + 3 + 1.5
    assert await gone(await pid_in(file))


async def test_a_cancellation_ends_the_whole_group(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    argv = ["sh", "-c", f"sh -c 'echo $$ >{file}; sleep 60' & wait"]
    task = asyncio.create_task(shell.stream(argv, print, timeout_seconds=60, waiting_for="a test"))
    pid = await pid_in(file)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await gone(pid)


async def test_a_cancellation_while_the_program_starts_ends_its_children_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program can be well on its way before asyncio has it in hand."""
    file = tmp_path / "pid"
    real = asyncio.create_subprocess_exec

    async def slow(*argv: Any, **options: Any) -> Any:
        process = await real(*argv, **options)
        await asyncio.sleep(0.3)
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", slow)
    argv = ["sh", "-c", f"sh -c 'echo $$ >{file}; sleep 60' & wait"]
    task = asyncio.create_task(shell.stream(argv, print, timeout_seconds=60, waiting_for="a test"))
    pid = await pid_in(file)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await gone(pid)


async def test_a_second_cancellation_does_not_spare_a_stubborn_program(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    argv = ["sh", "-c", f"trap '' TERM; echo $$ >{file}; while :; do sleep 0.1; done"]
    task = asyncio.create_task(shell.stream(argv, print, timeout_seconds=60, waiting_for="a test"))
    pid = await pid_in(file)
    for _ in range(2):
        task.cancel()
        await asyncio.sleep(0.1)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await gone(pid)


async def test_a_child_that_outlives_its_program_holds_nothing_up(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    started = time.monotonic()
    lines: list[str] = []
    argv = ["sh", "-c", f"(echo $$; exec sh -c 'echo $$ >{file}; sleep 60') & sleep 0.2; echo done"]
    await shell.stream(argv, lines.append, timeout_seconds=30, waiting_for="a test")
    assert "done" in lines and time.monotonic() - started < 5
    assert await gone(await pid_in(file))


async def test_output_too_is_not_held_up_by_a_child(tmp_path: Path) -> None:
    started = time.monotonic()
    assert await shell.output(["sh", "-c", "sleep 60 & echo done"], timeout_seconds=30) == "done\n"
    assert time.monotonic() - started < 5


async def test_what_goes_wrong_in_the_reader_ends_the_program(tmp_path: Path) -> None:
    file = tmp_path / "pid"

    def stop(line: str) -> None:
        raise ValueError(line)

    argv = ["sh", "-c", f"echo $$ >{file}; echo first; sleep 60"]
    with pytest.raises(ValueError, match="first"):
        await shell.stream(argv, stop, timeout_seconds=30, waiting_for="a test")
    assert await gone(await pid_in(file))


async def test_output_is_the_standard_output_and_a_failure_shows_the_other() -> None:
    assert await shell.output(["sh", "-c", "echo out; echo err >&2"]) == "out\n"
    with pytest.raises(CommandFailed) as caught:
        await shell.output(["sh", "-c", "echo out; echo err >&2; exit 1"])
    assert caught.value.tail == ["err"]


async def test_output_that_never_comes_times_out() -> None:
    with pytest.raises(CommandTimedOut) as caught:
        await shell.output(["sleep", "60"], timeout_seconds=0.3, waiting_for="sleep")
    assert caught.value.waiting_for == "sleep"


@pytest.mark.skipif(sys.platform != "linux", reason="limits of another process are Linux's")
async def test_a_program_is_held_to_its_file_and_memory_limits(tmp_path: Path) -> None:
    big = "import sys, time; time.sleep(0.2); open(sys.argv[1], 'wb').write(b'x' * 3_000_000)"
    with pytest.raises(CommandFailed):
        await shell.stream(
            [sys.executable, "-c", big, str(tmp_path / "big")],
            print,
            timeout_seconds=20,
            waiting_for="a test",
            max_file_bytes=1_000_000,
        )
    assert (tmp_path / "big").stat().st_size <= 1_000_000
    greedy = "import time; time.sleep(0.2); b = b'x' * 900_000_000"
    with pytest.raises(CommandFailed):
        await shell.output([sys.executable, "-c", greedy], max_memory_bytes=400_000_000)


async def test_two_hundred_programs_leave_no_open_file_behind() -> None:
    before = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
    for _ in range(20):
        await asyncio.gather(*(shell.output(["true"]) for _ in range(10)))
    after = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
    assert after <= before + 2
