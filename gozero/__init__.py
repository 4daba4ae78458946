"""GoZero: an AlphaGo you can run at home. This package is what Go is; thinking and learning stand above it.

`from gozero import Position` works, and `import gozero` alone loads neither numpy nor numba: the names below are
looked up when they are first used (PEP 562), so that a GTP engine can answer before anything heavy is there.
"""

import importlib
from typing import TYPE_CHECKING, Any

from gozero.coords import BLACK, EMPTY, PASS, WHITE
from gozero.version import __version__

if TYPE_CHECKING:
    from gozero.illegal_move import IllegalMove
    from gozero.position import Position
    from gozero.rules import RULES, Rules, parse_rules

_LAZY = {
    "IllegalMove": "gozero.illegal_move",
    "Position": "gozero.position",
    "RULES": "gozero.rules",
    "Rules": "gozero.rules",
    "parse_rules": "gozero.rules",
}

__all__ = ["BLACK", "EMPTY", "PASS", "RULES", "WHITE", "IllegalMove", "Position", "Rules", "__version__", "parse_rules"]


def __getattr__(name: str) -> Any:
    module = _LAZY.get(name)
    if module is None:
        raise AttributeError(f"module 'gozero' has no attribute '{name}'")
    value = getattr(importlib.import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
