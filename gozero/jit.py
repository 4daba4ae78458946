"""How every kernel of the project is compiled.

numba's on-disk cache looks only at the file that a kernel stands in: after an edit in a file that the kernel calls
into, it would go on running the old machine code. The cache directory is therefore keyed on all kernel sources, the
numba version, the machine and the bounds-check switch; numba itself tells processors apart. Every edit of a kernel
begins a new directory of some megabytes, so those that have not been used for long are removed when one begins.
"""

import contextlib
import hashlib
import inspect
import os
import platform
import re
import shutil
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numba
from numba.extending import intrinsic

KERNEL_PACKAGES = ("gozero", "engine", "selfplay", "training")
"""Folders whose `_*.py` files hold kernels."""
MOST_DAYS = 30
"""How long kernels are kept that are not used."""
MOST_FOLDERS = 8
"""Kernels of how many different sources are kept, but for those of the last day."""


def kernel_sources() -> list[Path]:
    """All kernel modules of the installed project, sorted."""
    root = Path(__file__).resolve().parent.parent
    return sorted(path for folder in KERNEL_PACKAGES for path in (root / folder).glob("_[a-z]*.py"))


def cache_directory() -> Path:
    """Where the compiled kernels of exactly these sources are kept here, in `NUMBA_CACHE_DIR` if that is set."""
    digest = hashlib.sha256()
    for path in [Path(__file__), *kernel_sources()]:
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    facts = (version("numba"), sys.version, platform.machine(), os.environ.get("NUMBA_BOUNDSCHECK"))
    digest.update(repr(facts).encode())
    if named := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(named) / digest.hexdigest()[:20]
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return base / "gozero" / "kernels" / digest.hexdigest()[:20]


def note_use(folder: Path) -> None:
    """Notes that kernels are kept in `folder` now; where they are the first there, stale ones beside it are removed."""
    try:
        os.utime(folder)
    except FileNotFoundError:
        remove_stale(folder.parent)
    except OSError:
        pass  # a folder that may only be read serves as well


def remove_stale(parent: Path) -> None:
    """Removes the kernels of other sources: those that nobody has used for 30 days, and for a day but for the last 8.

    A process whose kernels are removed while it runs goes on with what it has loaded and compiles anew what it has not.
    """
    with contextlib.suppress(OSError):
        found = [path for path in parent.iterdir() if re.fullmatch(r"[0-9a-f]{20}(\.stale)?", path.name)]
        stale = [path for path in found if path.suffix]  # left by a removal that was cut short
        days = {path: (time.time() - path.stat().st_mtime) / 86_400 for path in found if not path.suffix}
        for place, path in enumerate(sorted(days, key=days.__getitem__)):
            if days[path] > MOST_DAYS or (days[path] > 1 and place >= MOST_FOLDERS):
                # Under another name first: who looks for the folder meanwhile finds it whole or not at all.
                stale.append(path.rename(path.with_suffix(".stale")))
        for path in stale:
            shutil.rmtree(path, ignore_errors=True)


# "_nrt" is what makes arrays possible. Said outright, as numba would else take it from whichever kernel calls first.
_options: dict[str, Any] = {
    "nogil": True,
    "cache": True,
    "error_model": "numpy",
    "no_cfunc_wrapper": True,
    "_nrt": True,
}
# numba counts references to every array that a function is given or slices, in atomic instructions that cost as much as
# the work of a small kernel: a random game is a quarter faster without. Where no array is made, nothing needs counting.
_lean_options = {**_options, "_nrt": False}
_folder = str(cache_directory())
note_use(Path(_folder))


def _compiled(function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    # numba reads the environment again whenever it compiles, and would put kernels imported after that elsewhere. And a
    # variable would send a child process with other switches (bounds checks, say) to these kernels.
    numba.config.CACHE_DIR = _folder  # type: ignore[attr-defined]
    compiled: Callable[..., Any] = numba.njit(function, **options)
    return compiled


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiles `function` on first use, cached on disk, releasing the interpreter lock while it runs."""
    return _compiled(function, **_options)


def lean_kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """A `kernel` that makes no arrays (slices are none) and counts no references: for whatever is called often.

    What makes an array all the same (`np.empty`, or one array assigned to another's slice) does not compile: "NRT
    required but not enabled".
    """
    return _compiled(function, **_lean_options)


def inlined_kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """A `lean_kernel` whose machine code goes into that of every kernel that calls it: for the smallest and hottest."""
    return _compiled(function, **_lean_options, forceinline=True)


def pasted_kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """A `lean_kernel` whose text goes into that of the kernel that calls it, and is compiled there alone.

    For the parts of one large kernel: compiled one by one and then again inside it they take nearly twice as long.
    """
    return _compiled(function, **_lean_options, inline="always")


def instructions(plain: Callable[..., None]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorates what writes the instructions that stand in kernels for a call of `plain`, where its loops would not do.

    That is given an `llvmlite.ir.IRBuilder` and the call's arguments: of arrays the pointer to their first element,
    others as the 64-bit integers or truth values that they are. Kernels that run as plain Python call `plain` itself.
    """

    def choose(write: Callable[..., None]) -> Callable[..., None]:
        if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
            return plain

        def typed(typing: Any, *given: Any) -> Any:
            integer, boolean, array = numba.types.int64, numba.types.boolean, numba.types.Array
            taken = [kind if isinstance(kind, array) or kind == boolean else integer for kind in given]

            def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
                def pointer(kind: Any, value: Any) -> Any:
                    return context.make_array(kind)(context, builder, value).data

                pairs = zip(taken, values, strict=True)
                write(builder, *(pointer(kind, value) if isinstance(kind, array) else value for kind, value in pairs))
                return context.get_dummy_value()

            return numba.types.none(*taken), generate

        # numba looks at the names of the arguments.
        names = inspect.signature(plain)
        context = inspect.Parameter("typing", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        typed.__signature__ = names.replace(parameters=[context, *names.parameters.values()])  # type: ignore[attr-defined]
        chosen: Callable[..., None] = intrinsic(typed)
        return chosen

    return choose
