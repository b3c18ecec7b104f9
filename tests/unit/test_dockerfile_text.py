"""Reading Dockerfile text: instructions, variables, ports, images, refusals and the copy that is built."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dockerfile_text
from dockerfile_text.expansion import Unresolvable, expand
from dockerfile_text.splitter import split, words

PORTS = {
    "plain": ("FROM a\nEXPOSE 3000", (3000,)),
    "several, with protocols": ("FROM a\nEXPOSE 80 443/tcp 53/udp", (80, 443)),
    "a range": ("FROM a\nEXPOSE 8000-8002", (8000, 8001, 8002)),
    "lower case": ("from a\nexpose 80", (80,)),
    "continued, with a comment between": ("FROM a\nEXPOSE 80 \\\n# no\n\n  81", (80, 81)),
    "a remark after the port": ("FROM a\nEXPOSE 80 # http", (80,)),
    "an ARG with a default": ("FROM a\nARG PORT=5000\nEXPOSE $PORT", (5000,)),
    "an ENV": ("FROM a\nENV PORT=5000 X=1\nEXPOSE ${PORT}/tcp", (5000,)),
    "the old form of ENV": ("FROM a\nENV PORT 5000\nEXPOSE ${PORT}", (5000,)),
    "a default in the word": ("FROM a\nEXPOSE ${PORT:-8080}", (8080,)),
    "an alternative": ("FROM a\nENV X=1\nEXPOSE ${X:+81} ${Y:+82}", (81,)),
    "an ARG before FROM is not seen in a stage": ("ARG PORT=1\nFROM a\nEXPOSE ${PORT:-2}", (2,)),
    "an ARG before FROM taken up again": ("ARG PORT=1\nFROM a\nARG PORT\nEXPOSE ${PORT:-2}", (1,)),
    "only the last stage": ("FROM a AS b\nEXPOSE 1\nFROM c\nEXPOSE 2", (2,)),
    "inherited from a stage": ("FROM a AS B\nENV P=7\nEXPOSE 1\nFROM b\nEXPOSE $P", (1, 7)),
    "arguments are not inherited": ("FROM a AS b\nARG P=7\nFROM b\nEXPOSE ${P:-3}", (3,)),
    "inside a heredoc": ("FROM a\nRUN <<EOF\nEXPOSE 1\nEOF\nEXPOSE 2", (2,)),
    "inside a heredoc of COPY": ('FROM a\nCOPY <<-"E" /x\n\tEXPOSE 1\n\tE\nEXPOSE 2', (2,)),
    "two heredocs": ("FROM a\nRUN <<A cat <<B\nEXPOSE 1\nA\nEXPOSE 2\nB\nEXPOSE 3", (3,)),
    "ONBUILD counts in the stage that builds on it": ("FROM a AS b\nONBUILD EXPOSE 5\nFROM b", (5,)),
    "ONBUILD does not count here": ("FROM a\nONBUILD EXPOSE 5", ()),
    "a byte order mark": ("\ufeffFROM a\nEXPOSE 1", (1,)),
    "Windows line ends": ("FROM a\r\nEXPOSE \\\r\n 1\r\n", (1,)),
    "another escape character": ("# escape=`\nFROM a\nRUN dir C:\\\nEXPOSE `\n 1", (1,)),
    "the escape directive after a comment is a comment": ("# hi\n# escape=`\nFROM a\nEXPOSE \\\n 1", (1,)),
    "out of range": ("FROM a\nEXPOSE 0 65536 99999 65535", (65535,)),
    "not ports": ("FROM a\nEXPOSE http $NOTHING -5 80x", ()),
    "a huge range is cut": ("FROM a\nEXPOSE 1-65535", tuple(range(1, 65))),
    "nothing": ("", ()),
    "no FROM": ("EXPOSE 80", ()),
    "quotes": ("FROM a\nEXPOSE \"80\" '81'", (80, 81)),
}


@pytest.mark.parametrize("name", PORTS)
def test_exposed_ports(name):
    text, ports = PORTS[name]
    assert dockerfile_text.exposed_ports(text, {}) == ports


def test_build_args_beat_defaults_where_the_argument_is_declared():
    text = "FROM a\nARG PORT=5000\nEXPOSE $PORT $OTHER"
    assert dockerfile_text.exposed_ports(text, {"PORT": "6000", "OTHER": "1"}) == (6000,)


def test_a_target_stage_can_be_asked_for_by_name_or_number():
    text = "FROM a AS one\nEXPOSE 1\nFROM a AS two\nEXPOSE 2"
    assert dockerfile_text.exposed_ports(text, {}, target="ONE") == (1,)
    assert dockerfile_text.exposed_ports(text, {}, target="0") == (1,)
    assert dockerfile_text.exposed_ports(text, {}, target="three") == ()


IMAGES = {
    "plain": ("FROM node:22", ("node:22",)),
    "stages and scratch are none": (
        "FROM a AS b\nFROM b AS c\nFROM scratch\nCOPY --from=B /x /\nCOPY --from=0 /x /",
        ("a",),
    ),
    "copied from": ("FROM a\nCOPY --from=nginx:1 /x /", ("a", "nginx:1")),
    "mounted from": ("FROM a\nRUN --mount=type=bind,from=tool:2,target=/t true", ("a", "tool:2")),
    "our own named context is none": ("FROM a\nCOPY --from=butler /x /", ("a",)),
    "an argument": ("ARG V=22\nFROM node:${V}-slim", ("node:22-slim",)),
    "an argument with quotes": ("ARG I='node:22'\nFROM \"$I\"", ("node:22",)),
    "an argument made of another": ("ARG V=22\nARG I=node:$V\nFROM $I", ("node:22",)),
    "a platform": ("FROM --platform=$BUILDPLATFORM a AS b", ("a",)),
    "each once": ("FROM a\nFROM a", ("a",)),
    "a trigger": ("FROM a\nONBUILD COPY --from=b /x /", ("a", "b")),
    "a number is no stage for FROM": ("FROM a\nFROM 0", ("a", "0")),
}


@pytest.mark.parametrize("name", IMAGES)
def test_images_from_outside(name):
    text, images = IMAGES[name]
    assert dockerfile_text.external_images(text, {}) == images


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("$X", "one"), ("${X}y", "oney"), ("$Xy", ""), ("${E:-d}", "d"), ("${E-d}", ""), ("${N-d}", "d"),
        ("${X:+a}", "a"), ("${E:+a}", ""), ("${E+a}", "a"), ("${N:-${X}}", "one"), ("'$X'", "$X"), ('"$X"', "one"),
        (r"\$X", "$X"), (r'"\$X\n"', "$X\\n"), ("$", "$"), ("$$", ""), ("a$1b", "ab"), ("${I%:*}", "node"),
        ("${I#*:}", "22"), ("${P##*/}", "c"), ("${P%%/*}", "a"), ("${I/node/deno}", "deno:22"), ("${P//\\//.}", "a.b.c"),
        ("${X:?no}", "one"), ("a' b'\" c\"", "a b c"),
    ],
)  # fmt: skip
def test_variables_are_expanded_as_buildkit_does(word, value):
    assert expand(word, {"X": "one", "E": "", "I": "node:22", "P": "a/b/c"}) == value


@pytest.mark.parametrize("word", ["${", "${}", "${X", "'a", '"a', "${N:?must be set}", "${X:*}", "${X^^}", "${X#****}"])
def test_what_cannot_be_expanded_is_said(word):
    with pytest.raises(Unresolvable):
        expand(word, {"X": "1"})


REFUSED = {
    "# syntax=docker.io/evil/fe:1\nFROM a": "line 1",
    "#!/usr/bin/env x\n#syntax = evil\nFROM a": "line 2",
    "# escape=`\n# SYNTAX=evil/docker/dockerfile:1\nFROM a": "line 2",
    "//syntax=evil\nFROM a": "line 1",
    "\ufeff\ufeff# syntax=evil\nFROM a": "line 1",
    '{"syntax": "evil"}': "line 1",
    "FROM local-registry/bob-shop:ab12": "line 1",
    "FROM docker.io/local-registry/bob-shop:ab12": "line 1",
    "ARG X=local-registry/\nFROM a\nCOPY --from=Local-Registry/x /y /": "line 3",
    "ARG X=local-registry\nFROM ${X}/x": "line 2",
    "FROM a\nRUN --mount=type=bind,from=local-registry/x,target=/x true": "line 2",
    "FROM a\nRUN --security=insecure id": "line 2",
    'FROM a\nRUN --network="host" ip a': "line 2",
    "FROM a\nRUN --mount=type=cache,target=/c \\\n  --network=host x": "line 2",
    "FROM a\nONBUILD RUN --network=host x": "line 2",
    "FROM a\nRUN --device=nvidia.com/gpu=all x": "line 2",
    "ARG X\nFROM $X": "line 2",
    "FROM ${X": "line 1",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_a_shared_host_cannot_give_is_refused_by_its_line(text):
    reasons = dockerfile_text.refusals(text, {})
    assert reasons
    assert reasons[0].startswith(REFUSED[text] + ":")


@pytest.mark.parametrize(
    "text",
    [
        "# syntax=docker/dockerfile:1\nFROM a",
        "# syntax=docker.io/docker/dockerfile:1.7-labs\nFROM a",
        "# a comment\n# syntax=evil\nFROM a",
        "FROM a\nRUN --network=none x\nRUN --network=default --security=sandbox x",
        "FROM a\nRUN <<EOF\nRUN --network=host\nEOF",
        "FROM a\nENV X=${Y^^}\nRUN echo --network=host",
        "",
    ],
)
def test_what_is_harmless_is_not_refused(text):
    assert dockerfile_text.refusals(text, {}) == ()


def test_every_reason_is_given_at_once_in_order():
    text = "# syntax=evil\nFROM local-registry/x\nRUN --network=host --security=insecure x"
    assert [reason[:6] for reason in dockerfile_text.refusals(text, {})] == ["line 1", "line 2", "line 3", "line 3"]


def test_addresses_that_the_daemon_would_fetch_are_found():
    text = """FROM a
ARG HOST=127.0.0.1
ADD http://$HOST/x /m
ADD ["https://10.0.0.1/y", "/m"]
ADD --checksum=sha256:1 git@github.com:a/b.git /src
ADD a.tar.gz ./local /m
ONBUILD ADD http://later/ /x
COPY http://x /y
"""
    assert dockerfile_text.remote_sources(text, {}) == (
        (3, "http://127.0.0.1/x"),
        (4, "https://10.0.0.1/y"),
        (5, "git@github.com:a/b.git"),
        (7, "http://later/"),
    )


def test_the_copy_has_no_front_end_and_other_images_on_the_same_lines():
    text = """# syntax=docker/dockerfile:1
# escape=`
ARG V=22
FROM --platform=linux/amd64 `
  node:$V AS Build
RUN --mount=from=tool:1,target=/t true
FROM nginx
COPY --from=build /a /b
COPY --from=tool:1 /a /b
"""
    images = {"node:22": "mine/node:1", "tool:1": "mine/tool:1"}
    assert (
        dockerfile_text.rewritten(text, {}, images)
        == """# escape=`
#
ARG V=22
FROM --platform=linux/amd64 mine/node:1 AS Build
#
RUN --mount=from=mine/tool:1,target=/t true
FROM nginx
COPY --from=build /a /b
COPY --from=mine/tool:1 /a /b
"""
    )


@pytest.mark.parametrize("text", ["//syntax=docker/dockerfile:1\nFROM a", '{"syntax": "docker/dockerfile:1"}'])
def test_a_front_end_that_is_asked_for_in_an_odd_way_is_not_built_with(text):
    with pytest.raises(dockerfile_text.NotRewritable):
        dockerfile_text.rewritten(text, {}, {})


def test_a_variable_in_from_becomes_what_was_checked():
    assert dockerfile_text.rewritten("ARG I=a\nFROM ${I}\n", {"I": "b:2"}, {}) == "ARG I=a\nFROM b:2\n"


def test_a_secret_is_renamed_where_it_is_mounted_and_stays_in_its_place():
    text = """FROM a
RUN --mount=type=secret,id=frontend_env,required=false . /run/secrets/frontend_env
RUN --mount=id=frontend_env,type=secret,target=/x --mount=type=secret,id=other <<E
RUN --mount=type=secret,id=frontend_env
E
RUN --mount=type=secret,id=frontend_env,env=X true
"""
    copy = dockerfile_text.rewritten(text, {}, {}, {"frontend_env": "frontend_env_1"}).split("\n")
    place = "target=/run/secrets/frontend_env"
    assert copy[1] == f"RUN --mount=type=secret,id=frontend_env_1,{place},required=false . /run/secrets/frontend_env"
    assert copy[2] == "RUN --mount=id=frontend_env_1,type=secret,target=/x --mount=type=secret,id=other <<E"
    assert copy[3] == "RUN --mount=type=secret,id=frontend_env"
    assert copy[5] == "RUN --mount=type=secret,id=frontend_env_1,env=X true"


def test_an_image_that_cannot_be_replaced_is_said():
    text = "FROM a\nCOPY --from=to\\\nol /a /b\n"
    with pytest.raises(dockerfile_text.NotRewritable, match="line 2"):
        dockerfile_text.rewritten(text, {}, {"tool": "mine"})


def test_arguments_are_private_only_where_the_final_image_keeps_no_trace():
    text = "ARG G\nFROM a AS base\nARG A\nFROM a AS build\nARG B\nARG C\nFROM base\nARG C\n"
    found = dockerfile_text.arguments(text)
    assert found.private == {"B"}
    assert found.visible == {"A", "C"}


def test_a_secret_mount_is_recognised():
    assert dockerfile_text.offers_secret("FROM a\nRUN --mount=type=secret,id=frontend_env x", "frontend_env")
    assert not dockerfile_text.offers_secret("FROM a\nRUN --mount=type=cache,id=frontend_env x", "frontend_env")


def test_lines_and_flags_of_instructions_are_kept():
    found = split("FROM a\n\nRUN --mount=type=cache,id=x --network=none \\\n  a\nRUN <<E\nx\nE\n").instructions
    assert [(one.name, one.first_line, one.last_line) for one in found] == [
        ("FROM", 1, 1),
        ("RUN", 3, 4),
        ("RUN", 5, 7),
    ]
    assert found[1].flag("network") == ("none",)
    assert found[1].value == "a"
    assert found[2].heredocs == ("x",)


def test_a_heredoc_that_never_ends_takes_the_rest():
    found = split("FROM a\nRUN <<E\nEXPOSE 1\n")
    assert len(found.instructions) == 2
    assert "line 2" in found.problems[0]


def test_deep_nesting_and_growth_are_bounded():
    deep = "FROM a\nENV X=" + "${a:-" * 5000 + "}" * 5000 + "\nEXPOSE 1"
    assert dockerfile_text.exposed_ports(deep, {}) == (1,)
    growth = "FROM a\nENV A=xxxxxxxx\n" + "ENV A=$A$A\n" * 60 + "EXPOSE 1"
    assert dockerfile_text.exposed_ports(growth, {}) == (1,)


PIECES = [
    "FROM a", "FROM b AS c", "\n", "\n", "RUN ", "<<E", "E", "\\", "`", '"', "'", "${X", ":-", "}", "$X", "# escape=`",
    "# syntax=x", "//syntax=y", "COPY --from=c ", "ADD http://x ", "EXPOSE 80", "ARG X=1", "ENV X=", "ONBUILD ",
    "--mount=type=secret,id=frontend_env", "\t", " ", "\r\n", "\ufeff", "[", '"a"', "]",
]  # fmt: skip
texts = st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=25).map("".join)


@given(texts)
@settings(max_examples=400)
def test_no_text_makes_the_reader_fail(text):
    dockerfile_text.exposed_ports(text, {"X": "1"})
    dockerfile_text.external_images(text, {})
    dockerfile_text.refusals(text, {})
    dockerfile_text.remote_sources(text, {})
    dockerfile_text.arguments(text)
    dockerfile_text.offers_secret(text, "x")


@given(texts)
@settings(max_examples=400)
def test_the_copy_asks_for_no_front_end_and_means_the_same(text):
    try:
        copy = dockerfile_text.rewritten(text, {}, {}, {"frontend_env": "frontend_env_1"})
    except dockerfile_text.NotRewritable:
        return
    assert split(copy).syntax is None
    assert [one.name for one in split(copy).instructions] == [one.name for one in split(text).instructions]


@given(st.text(alphabet="ab \"'\\\t", max_size=30))
def test_words_hold_every_character_that_is_no_blank(text):
    assert "".join(words(text)).replace(" ", "").replace("\t", "") == text.replace(" ", "").replace("\t", "")


def test_the_splitter_agrees_with_buildkit():
    oracle = pytest.importorskip("dockerfile")

    def theirs(text):
        return [(one.cmd.upper(), one.start_line, one.end_line) for one in oracle.parse_string(text) if one.cmd]

    for text, _ in PORTS.values():
        if text:
            ours = [(one.name, one.first_line, one.last_line) for one in split(text).instructions]
            assert ours == theirs(text)
