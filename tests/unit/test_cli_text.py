"""What comes from a server may colour a terminal, and nothing else."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.terminal_text import coloured, plain


def test_colours_stay_and_end_with_the_line() -> None:
    assert (
        coloured("\x1b[31mred\x1b[39m and \x1b[1;38;5;208mmore")
        == "\x1b[31mred\x1b[39m and \x1b[1;38;5;208mmore\x1b[0m"
    )
    assert plain("\x1b[31mred\x1b[0m") == "red"


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[2Ja\x1b[1;1Hb",
        "\x1b]0;a title\x07ab",
        "a\x1b]8;;https://example.org\x1b\\b",
        "a\x1b[8mb",
        "a\x1b[5mb",
        "a\x1b[38mb",
        "\x9b2Jab",
        "a\x07\x08b\r",
        "\x1bP1$r0m\x1b\\ab",
        "a\u202eb",
        "\x1b[?1049hab",
        "a\x1b[6nb",
    ],
)
def test_whatever_else_steers_a_terminal_goes(text: str) -> None:
    assert coloured(text) == "ab"
    assert plain(text) == "ab"


@given(st.text(alphabet=st.sampled_from("\x1b\x9b\x9d[]0123456789;:mHJ?hlx\x07\\ é")))
def test_only_colours_are_left_of_any_text(text: str) -> None:
    assert "\x1b" not in re.sub(r"\x1b\[[0-9;:]*m", "", coloured(text))
    assert not set(plain(text)) & set("\x1b\x9b\x9d\x07")
