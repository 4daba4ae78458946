"""SGF text: what is read, what is refused and why, and that what is written is read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gozero import record, sgf, sgf_info, sgf_text
from gozero.coords import BLACK, WHITE
from gozero.record import GameRecord
from gozero.rules import parse_rules
from gozero.version import __version__


def one(text: str | bytes) -> GameRecord:
    (game,) = sgf.parse(text.encode() if isinstance(text, str) else text)
    return game


def reason(text: str | bytes) -> str:
    with pytest.raises(sgf.SgfError) as caught:
        sgf.parse(text.encode() if isinstance(text, str) else text)
    return caught.value.reason


def codes(game: GameRecord) -> list[tuple[str, int]]:
    """Moves as (colour letter, move index)."""
    return [("W" if code & record.WHITE_BIT else "B", code & ~record.WHITE_BIT) for code in game.moves.tolist()]


def black_setup(game: GameRecord) -> set[int]:
    return {code for code in game.setup.tolist() if not code & record.WHITE_BIT}


def white_setup(game: GameRecord) -> set[int]:
    return {code & ~record.WHITE_BIT for code in game.setup.tolist() if code & record.WHITE_BIT}


def test_every_property_of_a_game_is_read():
    game = one(
        "(;FF[4]GM[1]SZ[9]KM[6.5]RU[Japanese]RE[W+3.5]DT[2016-03-09]BR[9 dan]WR[3k?]PB[A]PW[B];B[ee];W[cg];B[];W[aa])"
    )
    assert game.size == 9
    assert codes(game) == [("B", 40), ("W", 6 * 9 + 2), ("B", 81), ("W", 0)]
    assert (game.komi, game.rules, game.year) == (6.5, "japanese", 2016)
    assert (game.winner, game.margin, game.ending) == (WHITE, 3.5, "counted")
    assert (game.black_rank, game.white_rank) == ("9d", "3k")
    assert (game.first_player, game.handicap, game.setup.size) == (BLACK, 0, 0)


def test_what_a_file_leaves_out_is_unknown():
    game = one("(;B[pd])")
    assert game.size == 19
    assert (game.komi, game.rules, game.winner, game.margin, game.year) == (None, None, None, None, None)
    assert (game.black_rank, game.white_rank, game.ending) == (None, None, "unknown")


@pytest.mark.parametrize(
    ("text", "winner", "margin", "ending"),
    [
        ("B+R", BLACK, None, "resign"),
        ("B+Resign", BLACK, None, "resign"),
        ("W+Res.", WHITE, None, "resign"),
        ("b+r", BLACK, None, "resign"),
        ("B + R", BLACK, None, "resign"),
        ("Black wins by resignation", BLACK, None, "resign"),
        ("White wins by 2.5", WHITE, 2.5, "counted"),
        ("W+T", WHITE, None, "time"),
        ("W+Time", WHITE, None, "time"),
        ("B+F", BLACK, None, "forfeit"),
        ("B+Forfeit", BLACK, None, "forfeit"),
        ("W+3.5", WHITE, 3.5, "counted"),
        ("W+3,5", WHITE, 3.5, "counted"),
        ("W+.5", WHITE, 0.5, "counted"),
        ("B+12", BLACK, 12.0, "counted"),
        ("B+4.50", BLACK, 4.5, "counted"),
        ("W+3.75子", WHITE, 3.75, "counted"),
        ("B+1/2", BLACK, None, "unknown"),  # rather no margin than a wrong one
        ("B+", BLACK, None, "unknown"),
        ("W+?", WHITE, None, "unknown"),
        ("0", 0, 0.0, "counted"),
        ("Draw", 0, 0.0, "counted"),
        ("Jigo", 0, 0.0, "counted"),
        ("黑中盘胜", BLACK, None, "resign"),
        ("백불계승", WHITE, None, "resign"),
        ("Void", None, None, "unknown"),
        ("?", None, None, "unknown"),
        ("", None, None, "unknown"),
        ("unfinished", None, None, "unknown"),
        ("Bob won", None, None, "unknown"),
    ],
)
def test_results(text, winner, margin, ending):
    assert sgf_info.parse_result(text) == (winner, margin, ending)


@pytest.mark.parametrize(
    ("text", "komi"),
    [
        ("6.5", 6.5),
        ("6,5", 6.5),
        (" 7.50 ", 7.5),
        ("0", 0.0),
        ("-5.5", -5.5),
        ("375", 7.5),  # Fox: hundredths of a stone under Chinese counting
        ("3.75", 7.5),
        ("650", 6.5),
        ("325", 6.5),
        ("seven", None),
        ("inf", None),
        ("nan", None),
        ("", None),
        ("99999", None),
    ],
)
def test_komi(text, komi):
    assert one(f"(;KM[{text}];B[aa])").komi == komi


@pytest.mark.parametrize(
    ("text", "komi"), [("375", 375.0), ("100", 100.0), ("3.75", 3.75), ("123456.5", 123456.5), ("inf", None)]
)
def test_komi_of_our_own_files_is_what_they_say(text, komi):
    assert one(f"(;AP[GoZero:0.0.1]KM[{text}];B[aa])").komi == komi
    assert one(f"(;AP[GoZero]KM[{text}];B[aa])").komi == komi
    assert one(f"(;AP[GoZeroes:0.0.1]KM[{text}];B[aa])").komi == one(f"(;KM[{text}];B[aa])").komi


@pytest.mark.parametrize(
    ("text", "rank"),
    [
        ("9d", "9d"),
        ("9 dan", "9d"),
        ("九段", "9d"),
        ("P9段", "9p"),
        ("9p", "9p"),
        ("3 pro", "3p"),
        ("18k*", "18k"),
        ("5 kyu", "5k"),
        ("4단", "4d"),
        ("2급", "2k"),
        ("99d", None),
        ("NR", None),
        ("1500", None),
    ],
)
def test_ranks(text, rank):
    assert one(f"(;BR[{text}];B[aa])").black_rank == rank


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("Japanese", "japanese"),
        ("japanese", "japanese"),
        ("Korean", "japanese"),
        ("Chinese", "chinese"),
        ("chinese, 7.5", "chinese"),
        ("AGA", "aga"),
        ("NZ", "new-zealand"),
        ("GOE", "new-zealand"),
        ("Tromp-Taylor", "tromp-taylor"),
        ("home made", None),
    ],
)
def test_rules(text, rules):
    assert one(f"(;RU[{text}];B[aa])").rules == rules


def test_every_rules_name_of_a_record_is_a_rule_set():
    for name in record.RULE_NAMES[1:]:
        assert parse_rules(name).name == name


# --- set-up and handicap ---------------------------------------------------------------------------------------------


def test_handicap_stones_are_set_up_and_white_moves_first():
    game = one("(;SZ[9]HA[3]AB[cc][gg][cg];W[ee];B[gc])")
    assert black_setup(game) == {20, 60, 56}
    assert (game.handicap, game.first_player) == (3, WHITE)


def test_handicap_is_counted_where_it_is_not_said():
    assert one("(;SZ[9]AB[cc][gg];W[ee])").handicap == 2


def test_handicap_stones_written_as_moves_become_set_up():
    game = one("(;SZ[9]HA[2];B[cc];B[gg];W[ee];B[gc])")
    assert black_setup(game) == {20, 60}
    assert codes(game) == [("W", 40), ("B", 24)]
    assert (game.handicap, game.first_player) == (2, WHITE)


def test_handicap_without_stones_is_refused():
    assert reason("(;SZ[9]HA[4];W[ee];B[cc])") == "handicap stones missing"
    assert reason("(;SZ[9]HA[2];B[ee];W[cc];B[gg])") == "handicap stones missing"


def test_handicap_of_one_is_none():
    assert one("(;SZ[9]HA[1];B[ee];W[cc])").handicap == 0


def test_compressed_point_lists_and_later_erasure():
    game = one("(;SZ[9]AB[aa:cb]AW[ii];AE[bb][ii]PL[W];W[ee])")
    assert black_setup(game) == {0, 1, 2, 9, 11}
    assert white_setup(game) == set()


def test_set_up_of_both_colours_is_no_handicap():
    game = one("(;SZ[9]AB[aa][bb]AW[cc];B[ee])")
    assert (white_setup(game), game.handicap) == ({20}, 0)


def test_first_player_is_who_moved_first():
    assert one("(;SZ[9]PL[B];W[ee])").first_player == WHITE


def test_set_up_in_mid_game_is_refused():
    assert reason("(;SZ[9];B[ee];AW[aa];B[cc])") == "set-up in mid-game"


# --- passes, moves, nodes --------------------------------------------------------------------------------------------


def test_passes():
    assert codes(one("(;SZ[9];B[];W[tt])")) == [("B", 81), ("W", 81)]
    assert codes(one("(;SZ[21];B[];W[tt])")) == [("B", 441), ("W", 19 * 21 + 19)]


def test_move_in_the_root_and_white_space_in_points():
    assert codes(one("(;SZ[9]B[ee\n];W[ c c])".replace(" c c", "cc "))) == [("B", 40), ("W", 20)]


def test_only_the_main_line_is_read():
    text = "(;SZ[9];B[aa](;W[bb];B[cc](;W[dd])(;W[ee]))(;W[ff];B[gg]))"
    assert codes(one(text)) == [("B", 0), ("W", 10), ("B", 20), ("W", 30)]


def test_escapes_and_brackets_in_text_do_not_disturb():
    assert len(one(r"(;SZ[9]C[a\]b \\];B[aa]C[(;W[x\]\)];W[bb])").moves) == 2


def test_old_spellings_line_ends_and_surrounding_text():
    text = "Received:\r\n(;\r\nGaMe[1]\r\nSiZe[9]\r\nREsult[B+R]\r\n;Black[aa]\r\n;White[bb])\r\nbye"
    game = one(text)
    assert (game.size, game.winner, len(game.moves)) == (9, BLACK, 2)


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no game"),
        ("   \n", "no game"),
        ("no record at all", "no game"),
        (b"\x00\xff\xfe\x80", "no game"),
        (b"\xff\xfe(\x00;\x00", "broken SGF"),
        ("(;SZ[9];B[aa];W[bb]", "broken SGF"),
        ("(;SZ[9];B[aa];W[b", "broken SGF"),
        ("(;SZ[9];B)", "broken SGF"),
        ("(;SZ[9];B[aa]W[bb])", "broken SGF"),
        ("(;SZ[9])", "no moves"),
        ("(;SZ[9];AB[aa])", "no moves"),
        ("(;SZ[9];B[aj])", "point off the board"),
        ("(;SZ[9];B[a])", "point off the board"),
        ("(;SZ[9];B[D4])", "point off the board"),
        ("(;SZ[9]AB[];B[aa])", "point off the board"),
        ("(;SZ[9]AB[aa:zz];B[aa])", "point off the board"),
        ("(;SZ[19:13];B[aa])", "wrong size"),
        ("(;SZ[26];B[aa])", "wrong size"),
        ("(;SZ[0];B[aa])", "wrong size"),
        ("(;SZ[big];B[aa])", "wrong size"),
        ("(;SZ[19:];B[aa])", "wrong size"),
        ("(;GM[2];B[aa])", "not Go"),
        ("(;" + "SZ[9]" + ";B[];W[]" * 33000 + ")", "too long"),
    ],
)
def test_reasons(text, why):
    assert reason(text) == why


def test_square_size_may_be_spelt_with_a_colon():
    assert one("(;SZ[13:13];B[aa])").size == 13


def test_error_names_the_file_the_game_and_the_fault(tmp_path: Path):
    path = tmp_path / "two.sgf"
    path.write_text("(;SZ[9];B[aa])(;SZ[9];B[zz])")
    with pytest.raises(sgf.SgfError, match=r"two\.sgf, game 2: point off the board: 'zz' on a 9x9 board"):
        sgf.read(path)


def test_missing_file_is_one_sentence(tmp_path: Path):
    with pytest.raises(sgf.SgfError, match=r"none\.sgf: cannot be read: No such file"):
        sgf.read(tmp_path / "none.sgf")


# --- collections and encodings ---------------------------------------------------------------------------------------


def outcomes(data: bytes) -> list[str | int]:
    """For each game its first move index, or the reason why it was refused."""
    return [g.reason if isinstance(g, sgf.SgfError) else int(g.moves[0]) for g in sgf.parse_each(data)]


def test_collection():
    assert outcomes(b"(;SZ[9];B[aa])\n junk (;SZ[9];B[ba])(;SZ[9];B[ca])") == [0, 1, 2]


def test_broken_game_does_not_take_its_neighbours_with_it():
    text = b"(;FF[4]SZ[9];B[aa]) (;FF[4]SZ[9];B[ba];W (;FF[4]SZ[9];B[ca]) (;GM[1]SZ[9];B[da]"
    assert outcomes(text) == [0, "broken SGF", 2, "broken SGF"]


def test_many_games_without_their_last_bracket_take_linear_time():
    text = b"(;FF[4]SZ[9];B[aa];W[bb]" * 5_000 + b")"
    found = outcomes(text)
    assert len(found) == 5_000
    assert set(found[:-1]) == {"broken SGF"}


def test_large_collection_is_read_one_game_at_a_time(monkeypatch):
    monkeypatch.setattr(sgf_text, "_LARGE", 10)
    assert outcomes(b"(;SZ[9];B[aa])x(;SZ[9];B[ba](;W[aa])(;W[bb]))(;SZ[9];B[ca])") == [0, 1, 2]


# The second byte of these characters is the one of ']' or '\\' in the named encoding.
@pytest.mark.parametrize(
    ("charset", "codec", "text"),
    [
        ("GB18030", "gb18030", "黑\u4e57\u7cba"),
        ("gb2312", "gb18030", "中盘"),
        ("EUC-KR", "cp949", "이세돌\uac31"),
        ("Shift_JIS", "cp932", "表示ソ十能"),
        ("Big5", "big5", "功許蓋"),
        ("ISO-8859-1", "latin-1", "André é"),
        ("UTF-8", "utf-8", "李世乭 ]".replace("]", "")),
        ("klingon", "latin-1", "Ärger"),
    ],
)
def test_encodings_named_by_ca(charset, codec, text):
    data = f"(;CA[{charset}]SZ[9]PB[{text}]RE[B+R];B[aa];W[bb]C[{text}])".encode(codec)
    game = one(data)
    assert (len(game.moves), game.winner) == (2, BLACK)


def test_shift_jis_bytes_really_hold_the_grammars_characters():
    assert b"\\" in "表".encode("cp932")


@pytest.mark.parametrize("codec", ["utf-8", "gb18030", "cp949", "cp932", "latin-1"])
def test_encodings_that_nothing_names(codec):
    text = {"gb18030": "古力", "cp949": "이세돌", "cp932": "表示", "latin-1": "André"}.get(codec, "李世乭")
    assert len(one(f"(;SZ[9]PB[{text}];B[aa];W[bb])".encode(codec)).moves) == 2


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16"])
def test_byte_order_marks(codec):
    assert one("(;SZ[9]PB[李];B[aa])".encode(codec)).size == 9


@pytest.mark.parametrize(
    "charset", ["hex", "undefined", "idna", "punycode", "unicode_escape", "utf-16", "zlib", "\x00", "rot13"]
)
def test_ca_may_name_anything(charset):
    assert one(f"(;CA[{charset}]SZ[9]PB[\\é];B[aa])".encode("latin-1")).size == 9


def test_chinese_result_and_rank_are_understood_in_their_encoding():
    game = one("(;CA[GBK]SZ[9]RE[黑中盘胜]BR[九段];B[aa])".encode("gbk"))
    assert (game.winner, game.ending, game.black_rank) == (BLACK, "resign", "9d")


# --- properties ------------------------------------------------------------------------------------------------------

_PIECES = st.sampled_from(
    [
        *(b"(", b")", b";", b"(;", b"[", b"]", b"\\", b":", b" ", b"\n", b"\xe9", b"\x81]", b"\x81\\"),
        *(b"B", b"W", b"B[aa]", b"W[", b"AB[aa:cc]", b"AE", b"tt", b"SZ[9]", b"SZ[", b"CA[", b"GBK]"),
        *(b"FF[4]", b"GM[1]", b"HA[2]", b"RE[B+R]", b"KM[6.5]"),
    ]
)


@given(st.lists(st.one_of(_PIECES, st.binary(max_size=4)), max_size=40).map(b"".join))
@settings(max_examples=400, deadline=None)
def test_no_text_makes_the_parser_fail_otherwise_than_by_sgf_error(data):
    games = list(sgf.parse_each(data))
    assert games
    for game in games:
        assert isinstance(game, GameRecord | sgf.SgfError)
        if isinstance(game, GameRecord):
            record.fault(game)  # whatever was read can be judged


@st.composite
def game_records(draw: st.DrawFn) -> GameRecord:
    """Records that need not be legal, but say nothing contradictory."""
    size = draw(st.integers(2, 25))
    area = size * size
    handicap = draw(st.sampled_from([0, 0, 2, 4])) if area > 4 else 0
    stones = draw(st.lists(st.integers(0, area - 1), unique=True, min_size=handicap, max_size=max(handicap, 2)))
    setup = np.array(stones if handicap else [s | record.WHITE_BIT for s in stones], np.uint16)
    first = WHITE if handicap else draw(st.sampled_from([BLACK, WHITE]))
    played = draw(st.lists(st.integers(0, area), min_size=1, max_size=60))
    moves = [index | (record.WHITE_BIT if (i + first) % 2 == 0 else 0) for i, index in enumerate(played)]
    winner, margin, ending = draw(
        st.sampled_from(
            [(BLACK, None, "resign"), (WHITE, None, "time"), (WHITE, 0.5, "counted"), (BLACK, 21.0, "counted"),
             (WHITE, 1e6 + 0.5, "counted"), (BLACK, None, "forfeit"), (0, 0.0, "counted"),
             (None, None, "unknown"), (WHITE, None, "unknown")]
        )
    )  # fmt: skip
    return GameRecord(
        size=size,
        moves=np.array(moves, np.uint16),
        setup=setup,
        first_player=first,
        komi=draw(st.sampled_from([None, 0.0, 0.25, 3.75, 7.5, -3.0, 150.0, 123456.5]) | st.floats(-1e6, 1e6)),
        rules=draw(st.sampled_from([None, *record.RULE_NAMES[1:]])),
        winner=winner,
        margin=margin,
        ending=ending,
        black_rank=draw(st.sampled_from([None, "9d", "1p", "30k"])),
        white_rank=draw(st.sampled_from([None, "10d", "9p", "1k"])),
        handicap=handicap,
        year=draw(st.sampled_from([None, 1846, 2016])),
    )


def facts(game: GameRecord) -> dict[str, object]:
    """The record with plain lists; set-up stones in order, as SGF names them by colour."""
    return {**vars(game), "moves": game.moves.tolist(), "setup": sorted(game.setup.tolist())}


@given(game_records(), st.text(max_size=20), st.text(max_size=20))
@settings(max_examples=200, deadline=None)
def test_what_is_written_is_read_back(game, name, comment):
    text = sgf.write(game, black_name=name, white_name="W", comments={0: comment, len(game.moves): comment})
    assert facts(one(text)) == facts(game)


def test_written_text_is_plain_ff4():
    game = GameRecord(
        size=9, moves=np.array([40, 20 | record.WHITE_BIT, 81], np.uint16), komi=7.0, winner=0, margin=0.0
    )
    text = sgf.write(game, black_name="a]b\\", comments={2: "x:y]"})
    assert text.startswith("(;FF[4]")
    assert f"AP[GoZero:{__version__}]" in text
    assert "PB[a\\]b\\\\]" in text
    assert "KM[7]" in text
    assert "RE[0]" in text
    assert text.rstrip().endswith(")")
    assert ";B[ee];C[x:y\\]]W[cc];B[]" in text.replace("\n", "")


def test_real_records(shared_sgf: Path):
    """The sample of real games: all can be read, are legal, and survive writing."""
    paths = sorted((shared_sgf / "sample").glob("*.sgf"))
    assert paths
    for path in paths:
        for game in sgf.read(path):
            assert record.fault(game) is None, path.name
            assert facts(one(sgf.write(game))) == facts(game), path.name
