"""Uploaded .env files: what is understood, what is refused, and by which line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import env_file
from robust_error_handler import BadRequest, Code


def refusal(text: bytes) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        env_file.parse(text, "backend_env")
    assert caught.value.code is Code.INVALID_ENV_FILE
    assert "backend_env" in caught.value.message
    return caught.value


def test_ordinary_files_are_understood():
    text = b"""# a comment
A=1

export B="two words"
C='it is $HOME'
D=a#b # a remark
E=
F="first
second"
PASSWORD=pa$$word${X}
"""
    assert env_file.parse(text, "x") == {
        "A": "1",
        "B": "two words",
        "C": "it is $HOME",
        "D": "a#b",
        "E": "",
        "F": "first\nsecond",
        "PASSWORD": "pa$$word${X}",
    }


@pytest.mark.parametrize("text", [b"", b"\n\n", b"# nothing\n", b"\xef\xbb\xbf"])
def test_a_file_without_variables_is_empty(text):
    assert env_file.parse(text, "x") == {}


def test_a_byte_order_mark_and_windows_line_ends_are_tolerated():
    assert env_file.parse(b"\xef\xbb\xbfA=1\r\nB=2\r\n", "x") == {"A": "1", "B": "2"}


def test_the_order_of_the_file_is_kept():
    assert list(env_file.parse(b"Z=1\nA=2\nM=3\n", "x")) == ["Z", "A", "M"]


def test_every_mistake_is_named_by_its_line_at_once():
    error = refusal(b'A=1\n\n\nFOO BAR=2\nC\n1X=3\nA=4\nE="un\n')
    assert [line.split(":")[0] for line in error.lines] == ["line 4", "line 5", "line 6", "line 7", "line 8"]
    assert "no value" in error.lines[1]
    assert error.lines[3] == "line 7: A is set already on line 1"


def test_a_mistake_after_blank_lines_and_long_values_has_the_right_line():
    assert refusal(b'A="x\ny\nz"\n\n\n!bad\n').lines[0].startswith("line 6:")


def test_values_never_stand_in_a_message():
    error = refusal(b"A=hunter2\nA=hunter3\nB C=hunter4\nhunter5-X=hunter6\n")
    assert "hunter" not in error.message + error.hint + "".join(error.lines)


@pytest.mark.parametrize("key", ["1A", "A-B", "A.B", "Ä", "A" * 129])
def test_names_that_are_no_identifiers_are_refused(key):
    assert refusal(f"{key}=1\n".encode()).lines


def test_the_longest_name_is_accepted():
    assert env_file.parse(b"A" * 128 + b"=1", "x") == {"A" * 128: "1"}


def test_binary_and_foreign_encodings_are_refused_with_their_line():
    assert refusal(b"A=1\nB=\xff\xfe\n").lines == ("line 2: not UTF-8 text",)
    assert refusal("A=1\n".encode("utf-16")).hint == "Save the file as UTF-8."
    assert refusal(b"A=1\nB=a\0b\n").lines == ("line 2: a NUL character",)


def test_a_file_past_the_limit_is_refused():
    assert env_file.parse(b"A=" + b"x" * (env_file.MAX_BYTES - 2), "x")
    assert "64 KiB" in refusal(b"A=" + b"x" * env_file.MAX_BYTES).message


@given(st.binary(max_size=400))
def test_any_bytes_give_variables_or_a_refusal(text):
    try:
        variables = env_file.parse(text, "x")
    except BadRequest as error:
        assert error.code is Code.INVALID_ENV_FILE
    else:
        assert all("\0" not in key + value for key, value in variables.items())


@given(st.dictionaries(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True), st.text("abc$#{} =", max_size=8)))
def test_what_is_written_in_single_quotes_comes_back_unchanged(variables):
    text = "".join(f"{key}='{value}'\n" for key, value in variables.items())
    assert env_file.parse(text.encode(), "x") == variables
