"""What is alive for sure, slow and obvious: Benson's definition, and an enemy who moves as often as he likes."""

from __future__ import annotations

from tests.reference_board import Place, SlowBoard


def regions_of(board: SlowBoard, colour: int) -> list[set[Place]]:
    """The largest connected sets of points that hold no stone of `colour`."""
    others = SlowBoard(board.size, {place: colour for place in board.places() if board.stones.get(place) == colour})
    found: list[set[Place]] = []
    for place in others.empties():
        if not any(place in region for region in found):
            found.append(others.chain(place))
    return found


def pass_alive(board: SlowBoard, colour: int, suicide: bool) -> tuple[set[Place], set[Place]]:
    """The stones of `colour` that are alive by definition, and the points where no enemy can live."""
    chains = [chain for chain in board.chains() if board.stones[next(iter(chain))] == colour]
    regions = regions_of(board, colour)

    def touches(chain: set[Place], place: Place) -> bool:
        return any(other in chain for other in board.beside(place))

    def is_vital(region: set[Place], chain: set[Place]) -> bool:
        return all(touches(chain, place) for place in region if suicide or place not in board.stones)

    while True:
        left = [chain for chain in chains if sum(is_vital(region, chain) for region in regions) >= 2]
        alive = set().union(*left)
        around = [{p for place in region for p in board.beside(place)} - region for region in regions]
        kept = [region for region, edge in zip(regions, around, strict=True) if edge and edge <= alive]
        if len(left) == len(chains) and len(kept) == len(regions):
            break
        chains, regions = left, kept
    safe = [region for region in regions if sum(not alive & set(board.beside(place)) for place in region) <= 1]
    return alive, set().union(*safe)


def can_be_taken(board: SlowBoard, colour: int, suicide: bool) -> set[Place]:
    """The stones of `colour` that some sequence of enemy moves takes while their owner passes: every one is tried."""
    enemy = 3 - colour
    taken: set[Place] = set()
    seen = {frozenset(board.stones.items())}
    waiting = [board]
    while waiting:
        board = waiting.pop()
        for place in board.empties():
            after = board.put(place, enemy)
            if after.stones == board.stones or (place not in after.stones and not suicide):
                continue
            taken |= {stone for stone in board.stones if board.stones[stone] == colour and stone not in after.stones}
            key = frozenset(after.stones.items())
            if key not in seen:
                seen.add(key)
                waiting.append(after)
    return taken
