"""The numbers of an app's lines: upwards, the same when read again, and what is read from Docker for them."""

from __future__ import annotations

import pytest

from docker_run.app_log import Numbers, _Raw, _Waiting, log_argv, microseconds

TIMES = ["2024-01-15T10:30:00.000001999Z", "2024-01-15T10:30:00.000001Z", "2024-01-15T10:30:01Z"]


def lines(*texts: str) -> list[_Raw]:
    return [_Raw(f"{time} {text}", "") for time, text in zip(TIMES, texts, strict=False)]


def test_a_line_is_numbered_by_its_time() -> None:
    assert microseconds("2024-01-15T10:30:00.123456789Z") == 1705314600_123456
    assert microseconds("2024-01-15T10:30:00.5Z") == 1705314600_500000
    assert microseconds("2024-01-15T10:30:00Z") == 1705314600_000000
    assert microseconds("no time") is None


def test_numbers_go_up_also_where_two_lines_have_one_time() -> None:
    found = Numbers(0).of(lines("a", "b", "c"), is_replay=True)
    assert [line.text for line in found] == ["a", "b", "c"]
    assert [line.number - 1705314600_000000 for line in found] == [1, 2, 1_000_000]


def test_what_was_read_is_left_out_when_it_is_read_again() -> None:
    first = Numbers(0).of(lines("a", "b"), is_replay=True)
    again = Numbers(first[-1].number).of(lines("a", "b", "c"), is_replay=True)
    assert [line.text for line in again] == ["c"]


def test_a_line_that_comes_late_is_not_lost() -> None:
    numbers = Numbers(1705314600_500000)
    assert [line.text for line in numbers.of(lines("late"), is_replay=False)] == ["late"]
    assert numbers.last == 1705314600_500001


def test_docker_is_asked_for_the_end_of_a_log_for_what_came_since_and_to_go_on() -> None:
    assert log_argv("c1", after=0, tail=1000) == ["docker", "logs", "--timestamps", "--tail", "1000", "c1"]
    assert log_argv("c1", after=1705314600_000042, follow=True) == [
        "docker",
        "logs",
        "--timestamps",
        "--follow",
        "--since",
        "1705314600.000042",
        "c1",
    ]


def test_a_reader_who_is_too_slow_is_told_how_many_lines_it_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("docker_run.app_log._MOST_WAITING", 2)
    waiting = _Waiting()
    for raw in lines("a", "b", "c"):
        waiting.put(raw)
    kept, missed = waiting.taken()
    assert ([raw.line.partition(" ")[2] for raw in kept], missed) == (["b", "c"], 1)
    assert waiting.taken() == ([], 0)
    numbers = Numbers(41)
    remark = numbers.missed(1)
    assert (remark.number, numbers.last, remark.text) == (42, 42, "(1 lines came too fast to be shown)")
