"""The rules of Go as diagrams (`tests.rules_table` says how to read them).

Each case is played in all eight symmetries with either colour, on the fast board and the slow one, and taken back.
"""

import pytest

from tests.rules_table import Case, View, cases, play_case

KO = """
=== in the open: the stone that took may not be taken at once [all rules]
    . X O .    . X O .    . X O .
    X O . O    X . X O    X O . O
    . X O .    . X O .    . X O .
    . . . .    . . . .    O . . X

    B C3 takes 1
    W B3 is ko, B B3 is legal, W A1, B D1, W B3 takes 1
    B C3 is ko, W C3 is legal

=== at the edge [all rules]
    X O . O .    X . X O .    X X X O .
    . X O . .    . X O . .    . X O . .
    . . . . .    . . . . .    . . . . .
    . . . . .    . . . . .    . . . . .
    . . . . .    . . . . .    . . . . O

    B C5 takes 1
    W B5 is ko, W E1, B B5

=== in the corner [all rules]
    . O X .    X . X .    . O X .
    O X X .    O X X .    O X X .
    . O . .    . O . .    . O . .
    . . . .    . . . .    O . . X

    B A4 takes 1
    W B4 is ko, W A1, B D1, W B4 takes 1
    B A4 is ko

=== passes lift the ban of simple ko, but no superko [simple ko]
    . X O .    . X O .    . X O .
    X O . O    X . X O    X O . O
    . X O .    . X O .    . X O .
    . . . .    . . . .    . . . .

    B C3 takes 1
    W pass, B pass, W B3 takes 1

=== passes lift no superko [superko]
    . X O .    . X O .
    X O . O    X . X O
    . X O .    . X O .
    . . . .    . . . .

    B C3 takes 1
    W pass, B pass, W B3 repeats 0

=== none where two stones are taken: send two, return one [all rules]
    . . . .    . . . .    . . . .
    . . . .    . . . .    . . . .
    X X O O    X X O O    X X O O
    . O . O    O O . O    . . X O

    W A1
    B C1 takes 2
    W A1 is legal, B B1 is legal

=== none where the taker is part of a chain: one for two [all rules]
    . . . .    . . . .    . . . .
    . . . .    . . . .    . . . .
    X O O O    X O O O    X O O O
    O . X O    . X X O    O . . O

    B B1 takes 1
    W A1 takes 2

=== none where the taker has another liberty [all rules]
    . X O .    . X O .    . X O .
    X O . .    X . X .    X . X O
    . X O .    . X O .    . X O .
    . . . .    . . . .    . . . .

    B C3 takes 1
    W B3 is suicide, W D3
    B D1 is legal

=== a whole fight: threat, answer, back; Black ignores the last threat and fills [all rules]
    . X O . . . . O .    . X O . . . . O .    . X O . . . O O .    . X O . . . O O .    . X O . . . O O .
    X O . O X . X X O    X . X O X . X X O    X O . O X X X X O    X . X O X X X X O    X X X O X X X X O
    . X O . . . O O .    . X O . . . O O .    . X O . . . O O .    . X O . . . O O .    . X O . . . O O .
    . . . . . . . . .    . . . . . . . . .    . . . . . . . . .    . . . . . . . . .    . . . . . . . . .
    . . . . . . . . .    . . . . . . . . .    . . . . . . . . .    . . . . . . . . .    . . . . O . . . .
    . . . . . . . . .    . . . . . . . . .    . . . . . . . . .    . . . . . . . . .    . . . . . . . . .
    . X X . . . . . .    . X X . . . . . .    . X X . . . . . .    . X X . . . . . .    . X X . . . . . .
    X O O . O . . . .    X O O . O . . . .    X O O . O . . . .    X O O O O . . . .    X O O O O . . . .
    . X . . . . . . .    . X . . . . . . .    . X . . . . . . .    . X X . . . . . .    . X X . . . . . .

    B C8 takes 1
    W B8 is ko, W G9, B F8, W B8 takes 1
    B C8 is ko, B C1, W D2, B C8 takes 1
    W B8 is ko, W E5, B B8

=== double: one may always be taken while the other is forbidden [all rules]
    . X O . . . .    . X O . . . .    . X O . . . .    . X O . . . X
    X O . O . . .    X . X O . . .    X . X O . . .    X O . O . . .
    . X O . . . .    . X O . . . .    . X O . . . .    . X O . . . .
    . . . . . . .    . . . . . . .    . . . . . . .    . . . . . . .
    . X O . . . .    . X O . . . .    . X O . . . .    . X O . . . .
    X . X O . . .    X . X O . . .    X O . O . . .    X . X O . . .
    . X O . . . .    . X O . . . .    . X O . . . .    . X O . . . O

    B C6 takes 1
    W B6 is ko, W B2 takes 1
    B C2 is ko, B G7, W G1, B C2 takes 1, W B6 takes 1
    B C6 is ko
"""

SUPERKO = """
=== double ko and passes: a cycle under simple ko [simple ko]
    . X O . . . .    . X O . . . .    . X O . . . .
    X O . O . . .    X . X O . . .    X O . O . . .
    . X O . . . .    . X O . . . .    . X O . . . .
    . . . . . . .    . . . . . . .    . . . . . . .
    . X O . . . .    . X O . . . .    . X O . . . .
    X . X O . . .    X O . O . . .    X . X O . . .
    . X O . . . .    . X O . . . .    . X O . . . .

    B C6 takes 1, W B2 takes 1
    B pass, W pass, B C2 takes 1, W B6 takes 1
    B C6 is ko, B pass, W pass, B C6 takes 1

=== double ko and passes: no superko allows it [superko]
    . X O . . . .    . X O . . . .
    X O . O . . .    X . X O . . .
    . X O . . . .    . X O . . . .
    . . . . . . .    . . . . . . .
    . X O . . . .    . X O . . . .
    X . X O . . .    X O . O . . .
    . X O . . . .    . X O . . . .

    B C6 takes 1, W B2 takes 1
    B pass, W pass, B C2 repeats 1

=== triple ko: simple ko lets it go round for ever [simple ko]
    . X O . . . . . .    . X O . . . . . .    . X O . . . . . .
    X O . O . . . . .    X . X O . . . . .    X O . O . . . . .
    . X O . . . . . .    . X O . . . . . .    . X O . . . . . .
    . X O . . . . . .    . X O . . . . . .    . X O . . . . . .
    X . X O . . . . .    X O . O . . . . .    X . X O . . . . .
    . X O . . . . . .    . X O . . . . . .    . X O . . . . . .
    . X O . . . . . .    . X O . . . . . .    . X O . . . . . .
    X O . O . . . . .    X . X O . . . . .    X O . O . . . . .
    . X O . . . . . .    . X O . . . . . .    . X O . . . . . .

    B C8 takes 1, W B5 takes 1, B C2 takes 1
    W B8 takes 1, B C5 takes 1, W B2 takes 1
    B C8 takes 1, W B5 takes 1, B C2 takes 1, W B8 takes 1, B C5 takes 1, W B2 takes 1

=== triple ko: the sixth capture would close the circle [superko]
    . X O . . . . . .    . X O . . . . . .
    X O . O . . . . .    X O . O . . . . .
    . X O . . . . . .    . X O . . . . . .
    . X O . . . . . .    . X O . . . . . .
    X . X O . . . . .    X . X O . . . . .
    . X O . . . . . .    . X O . . . . . .
    . X O . . . . . .    . X O . . . . . .
    X O . O . . . . .    X . X O . . . . .
    . X O . . . . . .    . X O . . . . . .

    B C8 takes 1, W B5 takes 1, B C2 takes 1, W B8 takes 1, B C5 takes 1
    W B2 repeats 0, W J9, B J1, W B2 takes 1, B C8 takes 1

=== send two, return one: simple ko [simple ko]
    . . . .    . . . .    . . . .
    . . . .    . . . .    . . . .
    X X O O    X X O O    X X O O
    . O . O    . . X O    . O . O

    W A1, B C1 takes 2
    W B1 takes 1
    B pass, W A1, B C1 takes 2, W B1 takes 1

=== send two, return one: positional superko forbids to return the one [positional superko]
    . . . .    . . . .
    . . . .    . . . .
    X X O O    X X O O
    . O . O    . . X O

    W A1, B C1 takes 2
    W B1 repeats 0, W pass, B pass, W B1 repeats 0, W D4, B A4, W B1 takes 1

=== send two, return one: Black to play makes it another situation, but there is no second round [situational superko]
    . . . .    . . . .    . . . .
    . . . .    . . . .    . . . .
    X X O O    X X O O    X X O O
    . O . O    . . X O    . O . O

    W A1, B C1 takes 2
    W B1 takes 1
    B pass, W A1 repeats 1, W pass, B D4

=== eternal life: two for two, and back again, under simple ko [simple ko]
    . . . .    . . . .    . . . .    . . . .    . . . .
    . . . .    . . . .    . . . .    . . . .    . . . .
    X X O O    X X O O    X X O O    X X O O    X X O O
    O O . X    . . X X    . O . .    . O . X    O O . X

    B C1 takes 2
    W B1 takes 2
    B D1
    W A1
    B C1 takes 2, W B1 takes 2, B D1, W A1

=== eternal life: superko ends it after one round [superko]
    . . . .    . . . .
    . . . .    . . . .
    X X O O    X X O O
    O O . X    . O . X

    B C1 takes 2, W B1 takes 2, B D1
    W A1 repeats 0, W pass

=== a pass repeats nothing [all rules]
    . . .    . . .    X . .
    . . .    . . .    . . .
    . . .    . . .    . . .

    B pass, W pass, B pass, W pass, B pass, W pass
    B A3
"""

SUICIDE = """
=== of a lone stone in the corner [all rules]
    . O .
    O . .
    . . .

    B A3 is suicide, W A3 is legal

=== of a lone stone at the edge, and in the middle [all rules]
    O . O . .
    . O . O .
    . . O . O
    . . . O .
    . . . . .

    B B5 is suicide, B D3 is suicide, B E4 is legal, W B5 is legal, W D3 is legal

=== on the 1x1 board there is no move [all rules]
    .

    B A1 is suicide, W A1 is suicide, B pass, area 0-0

=== of two stones, forbidden [suicide forbidden]
    X . O .
    O O . .
    . . . .
    . . . .

    B B4 is suicide

=== of two stones, allowed [suicide allowed]
    X . O .    . . O .    . O O .
    O O . .    O O . .    O O . .
    . . . .    . . . .    . . . .
    . . . .    . . . .    . . . .

    B B4 loses 2
    W B4
    B A4 is suicide

=== of four chains and the stone that joins them, allowed [suicide allowed]
    . . O . .    . . O . .    . . O . .
    . O X O .    . O . O .    . O . O .
    O X . X O    O . . . O    O O . X O
    . O X O .    . O . O .    . O . O .
    . . O . .    . . O . .    . . O . .

    B C3 loses 5
    W B3, B D3

=== of four chains and the stone that joins them, forbidden [suicide forbidden]
    . . O . .
    . O X O .
    O X . X O
    . O X O .
    . . O . .

    B C3 is suicide, W C3 is legal

=== of all the stones there are [suicide allowed]
    X X    . .    . .    X .
    X .    . .    O .    O .

    B B1 loses 4
    W A1
    B A2

=== is none where it takes stones, however few liberties it has [all rules]
    . O X    X . X
    O O X    . . X
    X X .    X X .

    B A3 takes 3

=== is none where it takes the last liberty of both [all rules]
    O O O O    . . . .
    O X X O    . X X .
    O X . O    . X X .
    O O O O    . . . .

    B C2 takes 12

=== as a ko threat: the ban is over, the stones stay away [suicide allowed]
    . X O . . .    . X O . . .    . X O . . .
    X O . O . .    X . X O . .    X O . O . .
    . X O . . .    . X O . . .    . X O . . .
    . . . . . .    . . . . . .    . . . . X .
    X X . . O O    X X . . O O    X X . . O O
    O . X . O O    O . X . O O    . . X . O O

    B C5 takes 1
    W B5 is ko, W B1 loses 2, B E3, W B5 takes 1
    B C5 is ko

=== that repeats the start, which positional superko forbids [tromp-taylor]
    . . O .    X . O .
    O O . .    O O . .
    . . . .    . . . .
    . . . .    . . . .

    B A4
    W pass, B B4 repeats 0, B D1, W pass, B B4 loses 2

=== that repeats the start with the other player to move, which situational superko allows once [new-zealand]
    . . O .    X . O .    . . O .
    O O . .    O O . .    O O . .
    . . . .    . . . .    . . . .
    . . . .    . . . .    . . . .

    B A4
    W pass, B B4 loses 2
    W pass, B A4 repeats 1, B B4 is legal
"""

CAPTURES = """
=== of a stone in the corner, at the edge, in the open [all rules]
    O X . . .    . X . . .
    . . O . O    X . O . O
    . O X O .    . O . O .
    . . . X .    . . O X .
    . . X O .    . . X . X

    B A4 takes 1, W C2 takes 1, B E1 takes 1

=== of four chains by one stone [all rules]
    . X O X .    . X . X .
    X O . O X    X . X . X
    . X O X .    . X . X .
    . . X . .    . . X . .
    . . . . .    . . . . .

    B C4 takes 4

=== of three chains, and not of the fourth, which has a liberty left [all rules]
    . X O X .    . X . X .
    X X O X X    X X . X X
    O O . O .    . . X O .
    X X O X X    X X . X X
    . X O X .    . X . X .

    B C3 takes 6

=== of a ring from within [all rules]
    . X X X .    . X X X .
    X O O O X    X . . . X
    X O . O X    X . X . X
    X O O O X    X . . . X
    . X X X .    . X X X .

    B C3 takes 8

=== snapback [all rules]
    . . . . .    . . . . .    . . . . .
    . . . . .    . . . . .    . . . . .
    . O O O .    . O O O .    . O O O .
    O X X X O    O X X X O    O . . . O
    O X . . O    O X . X O    O . O . O

    W C1, B D1 takes 1
    W C1 takes 5

=== connect and die: all that connects is taken [all rules]
    . . . . .    . . . . .    . . . . .
    . . . . .    . . . . .    . . . . .
    O O O O O    O O O O O    O O O O O
    X X O X O    X X O X O    . . O . O
    . X . X .    . X X X O    O . . . O

    W E1, B C1
    W A1 takes 6

=== under the stones: Black takes four and loses the two that took them [all rules]
    . . . . . .    . . . . . .    . . . . . .
    . . . . . .    . . . . . .    . . . . . .
    O . O O . .    O . O O . .    O . O O . .
    X X X O O O    X X X O O O    X X X O O O
    X O X O O O    X . X O O O    X . X O O O
    O O O . X O    . . . X X O    . . O . . O

    B D1 takes 4
    W C1 takes 2

=== nakade: three in a row, White in the middle; Black may take, and dies [all rules]
    . . . . .    . . . . .    . . . . .    . . . . .
    . . . . .    . . . . .    . . . . .    . . . . .
    O O O O O    O O O O O    O O O O O    O O O O O
    X X X X X    X X X X X    X X X X X    . . . . .
    X . . . X    X . O . X    X X . . X    . . O O .

    W C1
    B pass, W D1, B B1 takes 2
    W C1, B pass, W D1 takes 8

=== bent four in the corner: a ko, which White takes first [all rules]
    . . . . . .    . . . . . .    . . . . . .    . . . . . .    . . . . . .    . . . . . X
    . . . . . .    . . . . . .    . . . . . .    . . . . . .    . . . . . .    . . . . . .
    O O O . . .    O O O . . .    O O O . . .    O O O . . .    O O O . . .    O O O . . .
    X X O O O O    X X O O O O    X X O O O O    X X O O O O    X X O O O O    X X O O O O
    . X X X X O    O X X X X O    . X X X X O    . X X X X O    O X X X X O    . X X X X O
    O O O . X O    O O O . X O    . . . X X O    X O . X X O    . O . X X O    O . X X X O

    W A2
    B D1 takes 4
    W B1, B A1
    W A2 takes 1
    B A1 is ko, B F6, W A1, B C1 takes 3, W A1
"""

LIFE = """
=== two eyes [all rules]
    . X . X O
    X X X X O
    O O O O O
    . . . . .
    . . . . .

    W A5 is suicide, W C5 is suicide, B A5 is legal, area 8-17

=== two shared liberties: who plays one is taken [all rules]
    X X X X    X X X X    . . . .
    X . . X    X X . X    . . O .
    O O O O    O O O O    O O O O
    O O O O    O O O O    O O O O

    area 6-8, W B3 is legal, B B3
    W C3 takes 7
    area 0-16

=== an eye each and one shared liberty: who plays it is taken from within [all rules]
    . X X O .    . X X O .    O . . O .
    X X O O O    X X O O O    . . O O O
    X X . O O    X X X O O    . . . O O
    X X X O O    X X X O O    . . . O O
    X X X O O    X X X O O    . . . O O

    area 13-11, W A5 is suicide, B E5 is suicide, W C3 is legal, B C3
    W A5 takes 13
    area 0-25
"""


@pytest.mark.parametrize("case", cases(KO + SUPERKO + SUICIDE + CAPTURES + LIFE), ids=lambda case: case.name)
def test_rules(case: Case) -> None:
    for symmetry in range(8):
        for swapped in (False, True):
            play_case(case, View(len(case.diagrams[0]), symmetry, swapped))
