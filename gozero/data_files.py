"""Where the presets, the shipped networks and the sample games lie.

`data/` is no Python package: a checkout has it beside the packages, and the wheel carries it as `gozero/_data`.
"""

from __future__ import annotations

from pathlib import Path

from gozero.errors import GozeroError


def data_dir() -> Path:
    """The folder that holds `configs/`, `networks/` and `games/`.

    Raises:
        GozeroError: neither the installed package nor the checkout has it.
    """
    package = Path(__file__).resolve().parent
    places = (package / "_data", package.parent / "data")
    for folder in places:
        if folder.is_dir():
            return folder
    raise GozeroError(f"the data files are missing: there is neither {places[0]} nor {places[1]}; install gozero again")
