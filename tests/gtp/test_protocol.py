"""Bytes to commands and answers to bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtp import protocol
from gtp.protocol import MAX_LINE_BYTES, LineSplitter, parse_line


@pytest.mark.parametrize(
    ("line", "id", "name", "arguments"),
    [
        (b"name", "", "name", ()),
        (b"name\r", "", "name", ()),
        (b"  12   play\tb  D4 \r", "12", "play", ("b", "D4")),
        (b"na\x01me\x7f", "", "name", ()),
        (b"play b D4 # a comment", "", "play", ("b", "D4")),
        (b"\xef\xbb\xbfname", "", "name", ()),
        # Ids as GNU Go 3.8 reads them.
        (b"007 name", "7", "name", ()),
        (b"0 name", "0", "name", ()),
        (b"7name", "7", "name", ()),
        (b"+5 name", "5", "name", ()),
        (b"-5 name", "", "name", ()),
        (b"2147483647 name", "2147483647", "name", ()),
        (b"2147483648 name", "", "name", ()),
        (b"9" * 5000 + b" name", "", "name", ()),
        (b"5 ", "5", "", ()),
        (b"1 2 name", "1", "2", ("name",)),
        # Only spaces separate: a no-break space belongs to the word.
        ("loadsgf a\u00a0b".encode(), "", "loadsgf", ("a\u00a0b",)),
    ],
)
def test_lines_become_commands(line, id, name, arguments):
    command = parse_line(line)
    assert command is not None
    assert (command.id, command.name, command.arguments) == (id, name, arguments)


@pytest.mark.parametrize("line", [b"", b"   ", b"\t\r", b"# comment", b"  # comment", b"\x7f", b"\x00\x01"])
def test_blank_lines_and_comments_are_no_commands(line):
    assert parse_line(line) is None


def test_the_rest_keeps_inner_spaces():
    command = parse_line("3 loadsgf /a  b/ü.sgf 12 ".encode())
    assert command is not None
    assert command.rest == "/a  b/ü.sgf 12"


def test_replies():
    assert protocol.success("", "") == b"= \n\n"
    assert protocol.success("12", "D4") == b"=12 D4\n\n"
    assert protocol.failure("", "unknown command") == b"? unknown command\n\n"
    assert protocol.begin_stream("3") + protocol.stream_line("info") + protocol.end_stream() == b"=3\ninfo\n\n"


def test_a_body_cannot_end_its_reply_early():
    assert protocol.success("", "a\n\n \r\n\nb\n\n") == b"= a\nb\n\n"
    assert protocol.success("", "\nboard\n\n") == b"= \nboard\n\n"


def test_bytes_that_are_no_text_are_shown_escaped():
    command = parse_line(b"\xff\xfe")
    assert command is not None
    assert protocol.failure("", command.name) == b"? \\udcff\\udcfe\n\n"


@given(st.binary(max_size=200), st.lists(st.integers(1, 7), max_size=60))
def test_lines_do_not_depend_on_how_the_bytes_arrive(data, cuts):
    splitter = LineSplitter()
    lines = []
    rest = data
    for cut in cuts:
        lines += splitter.feed(rest[:cut])
        rest = rest[cut:]
    lines += splitter.feed(rest)
    lines += splitter.finish()
    assert lines == (data[:-1] if data.endswith(b"\n") else data).split(b"\n")[: data.count(b"\n") + 1 if data else 0]


def test_a_line_over_the_limit_is_refused_and_the_next_one_read():
    splitter = LineSplitter()
    chunk = b"x" * 100_000
    lines = [line for _ in range(2 * MAX_LINE_BYTES // len(chunk)) for line in splitter.feed(chunk)]
    lines += splitter.feed(b"\nname\n" + b"y" * MAX_LINE_BYTES + b"\n")
    assert lines == [None, b"name", b"y" * MAX_LINE_BYTES]


@given(st.text(), st.text(alphabet="0123456789", max_size=9))
def test_framing_survives_any_body(body, id):
    for reply in (protocol.success(id, body), protocol.failure(id, body)):
        assert reply.endswith(b"\n\n")
        assert reply.find(b"\n\n") == len(reply) - 2
