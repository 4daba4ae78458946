"""Files that are there whole or not at all, whatever happens meanwhile."""

import os
from pathlib import Path


def write_durably(path: Path, content: bytes | str) -> None:
    """Write `content`, text as UTF-8: whatever happens meanwhile, `path` is the old file or the new one.

    Raises OSError where that fails; then the old file stays, and nothing beside it.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)
        replace_durably(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def replace_durably(temporary: Path, path: Path) -> None:
    """Rename `temporary` to `path` after its bytes have reached the disk."""
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    temporary.replace(path)
    flush_folder(path.parent)


def flush_folder(folder: Path) -> None:
    """Wait until the names in `folder` have reached the disk."""
    if os.name == "posix":  # elsewhere a directory cannot be opened, and the rename is the best there is
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
