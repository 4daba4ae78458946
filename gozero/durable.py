"""Files that are there whole or not at all, whatever happens meanwhile."""

import os
from pathlib import Path


def replace_durably(temporary: Path, path: Path) -> None:
    """Rename `temporary` to `path` after its bytes have reached the disk."""
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    temporary.replace(path)
    if os.name == "posix":  # elsewhere a directory cannot be opened, and the rename is the best there is
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
