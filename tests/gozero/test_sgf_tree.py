"""Whole SGF trees: what is read, that nothing is lost on the way through, and in which encoding it is written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sgfmill import sgf as sgfmill_sgf
from sgfmill import sgf_grammar

from gozero import sgf, sgf_text, sgf_tree
from gozero.sgf_tree import SgfNode, SgfTree


@pytest.fixture(scope="module")
def golden(checkout: Path) -> bytes:
    """A collection with every property of FF[4], some of FF[1] to FF[3] and some of nobody's."""
    return (checkout / "tests" / "golden" / "ff4.sgf").read_bytes()


@pytest.fixture
def trees(golden: bytes) -> list[SgfTree]:
    return sgf_tree.parse(golden)


def shape(tree: SgfTree) -> list[tuple[dict[str, list[bytes]], int]]:
    """Every node's properties and number of children, which together are the whole tree."""
    return [(node.properties, len(node.children)) for node in tree.root.nodes()]


def one(text: str | bytes) -> SgfTree:
    (tree,) = sgf_tree.parse(text.encode() if isinstance(text, str) else text)
    return tree


def named(tree: SgfTree, name: str) -> SgfNode:
    """The node whose N says so."""
    (node,) = (node for node in tree.root.nodes() if node.text("N") == name)
    return node


# --- reading ---------------------------------------------------------------------------------------------------------


def test_a_collection_of_four_games_between_other_text(trees: list[SgfTree]):
    assert [len(list(tree.root.nodes())) for tree in trees] == [42, 18, 5, 3]
    assert [tree.encoding for tree in trees] == ["utf-8"] * 4


def test_every_raw_value_is_sgfmills(golden: bytes, trees: list[SgfTree]):
    for tree, coarse in zip(trees, sgf_grammar.parse_sgf_collection(golden), strict=True):
        waiting = [sgfmill_sgf.Sgf_game.from_coarse_game_tree(coarse, "utf-8").get_root()]
        for node in tree.root.nodes():
            other = waiting.pop()
            assert set(other.properties()) - {"CA"} == node.properties.keys() - {"CA"}
            for name, values in node.properties.items():
                assert values == other.get_raw_list(name)
            assert len(node.children) == len(other)
            waiting += reversed(list(other))
        assert not waiting


def test_texts_are_sgfmills(golden: bytes, trees: list[SgfTree]):
    root = sgfmill_sgf.Sgf_game.from_coarse_game_tree(sgf_grammar.parse_sgf_collection(golden)[0], "utf-8").get_root()
    assert trees[0].root.text("C") == root.get("C")
    assert trees[0].root.text("GN") == root.get("GN") == "Every property of FF[4], and then some"


def test_escapes_and_white_space(trees: list[SgfTree]):
    assert trees[0].root.text("C").split("\n") == [
        r"The root. Escapes: a bracket ], a backslash \, a colon : and 1:2.",
        "A second line, and a soft break in it; a tab.",
    ]
    assert trees[1].root.text("PW") == "Jérôme \\ Smith"
    assert trees[1].root.text("AN") == "the ] annotator"
    assert trees[1].root.text("nothing") == ""


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("a\nb", "a\nb"),
        ("a\r\nb", "a\nb"),
        ("a\n\rb", "a\nb"),
        ("a\rb", "a\nb"),
        ("a\\\nb", "ab"),
        ("a\\\r\nb", "ab"),
        ("a\tb\vc\fd", "a b c d"),
        ("\\\\\\]\\:\\x", "\\]:x"),
        ("", ""),
    ],
)
def test_text_values(raw: str, text: str):
    """FF[4], Text: the table of what is kept and what is not."""
    assert one(f"(;C[{raw}])").root.text("C") == text


def test_simple_text_has_no_line_breaks():
    raw = b"a\nb\r\nc\\\nd\te\\]f\\:g"
    assert sgf_text.simple_text(raw) == "a b cd e]f:g"
    assert sgf_text.simple_text(raw) == sgf_grammar.simpletext_value(raw).decode()
    assert sgf_text.text(raw) == "a\nb\ncd e]f:g"


def test_variations_at_every_depth(trees: list[SgfTree]):
    moves = [node.text("W") or node.text("B") or "-" for node in trees[1].root.nodes()]
    assert "".join(moves) == "-eeecfceb-dfcfcdedccbdcdbcccdcebdb"
    assert [len(node.children) for node in trees[1].root.nodes() if len(node.children) > 1] == [2, 3, 2]
    assert [len(node.properties) for node in trees[1].root.main_line()] == [28, 1, 1, 1, 1, 4, 1, 1, 1]


def test_old_names_are_new_ones(trees: list[SgfTree]):
    assert {name: trees[2].root.text(name) for name in trees[2].root.properties} == {
        **{"FF": "3", "GM": "1", "SZ": "13", "PB": "Old", "PW": "Older", "KM": "5.5", "DT": "1994-02-30"},
        **{"RE": "B+Resign", "AB": "dd", "AW": "jj"},
    }
    first = trees[2].root.children[0]
    assert (first.properties["B"], first.text("C")) == ([b"gg"], "Long names; small letters mean nothing.")


def test_lists_and_private_properties_stay(trees: list[SgfTree]):
    labels = named(trees[0], "Labels").properties["LB"]
    assert (len(labels), labels[-2:]) == (12, [rb"gq:with\: colon", rb"gp:br\]acket"])
    private = named(trees[0], "Not FF4's").children[0].children[0]
    assert private.properties == {"W": [b"pp"], "XYZZY": [b"a", rb"b\]c", b"d\\\\"]}


def test_a_name_without_capital_letters_is_refused():
    with pytest.raises(sgf.SgfError, match=r"x.sgf: broken SGF: a property without a name in capital letters, \[aa\]"):
        sgf_tree.parse(b"(;SZ[9];b[aa])", "x.sgf")
    with pytest.raises(sgf.SgfError, match="without a name in capital letters"):
        sgf.parse(b"(;SZ[9];b[aa];w[bb])")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("(;SZ[9];B[aa];W[bb]", "the text ends inside the game, line 1, column 20"),
        ("(;SZ[9]\r\n;B[aa]\r;C[é\n\n", "a '[' without its ']', line 3, column 3"),
        ("(;SZ[9]C[ü];B[aa]\n  7;W[bb])", "unexpected '7', line 2, column 3"),
        ("(;SZ[9]\n;B[aa](W[bb]))", "property value outside a node, line 2, column 13"),
        ("(;SZ[9]\n;B;W[aa])", "property with no values, line 2, column 3"),
        ("(;SZ[9];B[aa])\n(;SZ[9];B[aa]\n(;SZ[9];B[bb])", "game 2: broken SGF: the text ends inside the game, line 2"),
    ],
)
def test_what_is_broken_is_named_with_its_place(text: str, place: str):
    for parse in (sgf_tree.parse, sgf.parse):
        with pytest.raises(sgf.SgfError, match=re.escape(place)):
            parse(text.encode(), "x.sgf")


def test_places_in_many_broken_games():
    text = b"(;FF[4]\n;B[aa]" * 5_000
    errors = [str(game) for game in sgf.parse_each(text)]
    assert len(errors) == 5_000
    assert "line 2, column 7" in errors[0]
    assert "line 5001, column 7" in errors[-1]


# --- writing ---------------------------------------------------------------------------------------------------------


def test_what_is_written_says_the_same(golden: bytes, trees: list[SgfTree]):
    written = sgf_tree.write(trees)
    assert [shape(tree) for tree in sgf_tree.parse(written)] == [shape(tree) for tree in trees]
    assert sgf_tree.write(sgf_tree.parse(written)) == written
    for one_game, other in zip(
        sgf_grammar.parse_sgf_collection(golden), sgf_grammar.parse_sgf_collection(written), strict=True
    ):
        assert sgf_grammar.serialise_game_tree(one_game) == sgf_grammar.serialise_game_tree(other)


def test_the_order_of_properties_stays():
    assert sgf_tree.write([one("(;SZ[9]FF[4]C[x];W[aa]C[y]B[bb])")]) == b"(;SZ[9]FF[4]C[x];W[aa]C[y]B[bb])\n"


def test_a_program_adds_what_it_found():
    tree = one("(;SZ[9]KGSDE[x];B[ee]C[good];W[cc](;B[gg])(;B[ff]))")
    for node in tree.root.main_line():
        if "B" in node.properties:
            node.set_text("SBKV", "54.3")
            node.set_text("C", f"{node.text('C')}\n[54 % \\o/]")
            node.set_text("LB", "aa:1", "bb:2")
    variation = SgfNode({"B": [b"dd"]})
    tree.root.children[0].children[0].children.append(variation)
    again = one(sgf_tree.write([tree]))
    assert shape(again) == shape(tree)
    first = again.root.children[0]
    assert first.text("C") == "good\n[54 % \\o/]"
    assert first.properties["LB"] == [b"aa:1", b"bb:2"]
    assert len(first.children[0].children) == 3
    assert again.root.properties["KGSDE"] == [b"x"]


@pytest.mark.parametrize("name", ["", "b", "A1", "A]", "É"])
def test_names_are_capital_letters(name: str):
    with pytest.raises(ValueError, match="is no name of an SGF property"):
        SgfNode().set_text(name, "x")


_TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r\t\v\f\x00"), max_size=12)
_NODES = st.dictionaries(st.text("ABW", min_size=1, max_size=3), st.lists(_TEXTS, min_size=1, max_size=3), max_size=3)


@given(st.recursive(_NODES.map(lambda node: (node, [])), lambda below: st.tuples(_NODES, st.lists(below, max_size=3))))
@settings(max_examples=150, deadline=None)
def test_any_tree_survives(drawn):
    def built(node) -> SgfNode:
        made = SgfNode()
        for name, texts in node[0].items():
            made.set_text(name, *texts)
        made.children = [built(child) for child in node[1]]
        return made

    tree = SgfTree(built(drawn))
    again = one(sgf_tree.write([tree]))
    again.root.properties.pop("CA", None)
    assert shape(again) == shape(tree)
    for node, other in zip(tree.root.nodes(), again.root.nodes(), strict=True):
        assert all(node.text(name) == other.text(name) for name in node.properties)


# --- encodings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("charset", "codec", "text"),
    [
        ("GB18030", "gb18030", "黑\u4e57\u7cba\U00020000"),
        ("gb2312", "gb2312", "中盘"),
        ("GBK", "gbk", "中國\u7cba"),
        ("EUC-KR", "euc_kr", "이세돌"),
        ("KS_C_5601-1987", "cp949", "이세돌\uac02"),
        ("Shift_JIS", "shift_jis", "表示ソ十能"),
        ("EUC-JP", "euc_jp", "表示"),
        ("ISO-2022-JP", "iso2022_jp", "表示能"),
        ("HZ-GB-2312", "hz", "中盘"),
        ("Big5", "big5", "功許蓋"),
        ("KOI8-R", "koi8-r", "Русский"),
        ("windows-1251", "cp1251", "Русский"),
        ("ISO-8859-1", "latin-1", "André é"),
        ("ISO-8859-2", "iso8859-2", "Žluťoučký"),
        ("UTF-8", "utf-8", "李世乭 Žé"),
        ("utf8", "utf-8", "李世乭"),
    ],
)
def test_encodings_are_read_and_written_back(charset: str, codec: str, text: str):
    data = f"(;CA[{charset}]PB[{text}];B[aa]C[{text}\\]])\n".encode(codec)
    tree = one(data)
    assert (tree.root.text("PB"), tree.root.children[0].text("C")) == (text, f"{text}]")
    again = one(sgf_tree.write([tree]))
    assert again.root.text("PB") == text
    if codec != "utf-8":
        assert sgf_tree.write([tree]) == data


@pytest.mark.parametrize("codec", ["gb18030", "cp949", "cp932", "koi8-r", "latin-1", "big5"])
def test_bytes_survive_where_nothing_names_the_encoding(codec: str):
    """What a reader takes for Latin-1, the default, goes out as the bytes that came in."""
    name = {"gb18030": "古力", "cp949": "이세돌", "cp932": "本因坊", "koi8-r": "Русский", "big5": "王立誠"}.get(
        codec, "é"
    )
    data = f"(;PB[{name}];B[aa])\n".encode(codec)
    assert sgf_tree.write([one(data)]) == data


def test_utf8_without_a_charset_is_told_apart_and_named():
    tree = one("(;PB[李世乭];B[aa])")
    assert tree.root.text("PB") == "李世乭"
    assert sgf_tree.write([tree]).decode() == "(;PB[李世乭]CA[UTF-8];B[aa])\n"


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_byte_order_marks_become_utf8(codec: str):
    mark = b"\xff\xfe" if codec == "utf-16-le" else b""
    tree = one(mark + "(;CA[UTF-16]PB[李];B[aa])".encode(codec))
    assert sgf_tree.write([tree]).decode() == "(;CA[UTF-8]PB[李];B[aa])\n"


def test_a_letter_that_the_encoding_lacks_makes_it_utf8():
    tree = one("(;CA[ISO-8859-1]PB[é];B[aa])".encode("latin-1"))
    tree.root.set_text("PW", "李")
    assert sgf_tree.write([tree]).decode() == "(;CA[UTF-8]PB[é]PW[李];B[aa])\n"
    assert tree.root.properties["CA"] == [b"ISO-8859-1"]


def test_games_of_two_encodings_become_utf8():
    trees = [one("(;CA[KOI8-R]PB[Ж])".encode("koi8-r")), one("(;CA[GBK]PB[古])".encode("gbk"))]
    assert sgf_tree.write(trees).decode() == "(;CA[UTF-8]PB[Ж])\n(;CA[UTF-8]PB[古])\n"


def test_plain_ascii_names_no_encoding():
    assert sgf_tree.write([one("(;PB[x];B[aa])")]) == b"(;PB[x];B[aa])\n"


# --- size ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "nodes", "depth"),
    [
        (";B[];W[]" * 50_000, 100_000, 100_000),
        ("(;B[](;W[]" * 50_000 + "))" * 50_000, 100_000, 100_000),
        ("(;B[aa])" * 20_000, 20_000, 1),
        ("(;B[aa](;W[bb])" * 10_000 + ")" * 10_000, 20_000, 2),
    ],
    ids=["long", "deep", "wide", "branching"],
)
def test_very_large_trees(text: str, nodes: int, depth: int):
    tree = one(f"(;SZ[9]{text})")
    assert len(list(tree.root.nodes())) == 1 + nodes
    assert len(list(tree.root.main_line())) == 1 + depth
    again = one(sgf_tree.write([tree]))
    assert len(list(again.root.nodes())) == 1 + nodes
    assert len(repr(tree.root)) < 100


def test_large_collections_are_read_game_by_game():
    game = "(;SZ[9]C[" + "x" * 1000 + "];B[aa](;W[bb])(;W[cc]))"
    trees = sgf_tree.parse((game * 1_100).encode())
    assert len(trees) == 1_100
    assert {len(list(tree.root.nodes())) for tree in trees} == {4}


def test_missing_file(tmp_path: Path):
    with pytest.raises(sgf.SgfError, match=r"none\.sgf: cannot be read: No such file"):
        sgf_tree.read(tmp_path / "none.sgf")


def test_real_records(shared_sgf: Path):
    """The sample of real games, some with variations and marks, goes through unchanged."""
    paths = sorted((shared_sgf / "sample").glob("*.sgf"))
    assert paths
    for path in paths:
        trees = sgf_tree.read(path)
        assert [shape(tree) for tree in sgf_tree.parse(sgf_tree.write(trees))] == [shape(tree) for tree in trees], path
    assert any(len(node.children) > 1 for node in sgf_tree.read(paths[-1])[0].root.nodes())
