"""How every kernel of the project is compiled.

numba's on-disk cache looks only at the file that a kernel stands in: after an edit in a file that the kernel calls
into, it would go on running the old machine code. The cache directory is therefore keyed on all kernel sources, the
numba version, the CPU and the bounds-check switch. numba reads the setting when it is imported, so no other module
imports numba first.
"""

import hashlib
import os
import platform
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

KERNEL_PACKAGES = ("gozero", "engine", "selfplay", "training")
"""Folders whose `_*.py` files hold kernels."""


def kernel_sources() -> list[Path]:
    """All kernel modules of the installed project, sorted."""
    root = Path(__file__).resolve().parent.parent
    return sorted(path for folder in KERNEL_PACKAGES for path in (root / folder).glob("_[a-z]*.py"))


def cache_directory() -> Path:
    """Where the compiled kernels of exactly these sources are kept on this machine."""
    digest = hashlib.sha256()
    for path in [Path(__file__), *kernel_sources()]:
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    facts = (
        version("numba"),
        sys.version,
        platform.machine(),
        platform.processor(),
        os.environ.get("NUMBA_BOUNDSCHECK"),
    )
    digest.update(repr(facts).encode())
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return base / "gozero" / "kernels" / digest.hexdigest()[:20]


# numba reads the variable once, while it is imported. Left behind, it would send a child process with other switches
# (bounds checks, say) to these kernels.
_chosen = "NUMBA_CACHE_DIR" not in os.environ
if _chosen:
    os.environ["NUMBA_CACHE_DIR"] = str(cache_directory())
import numba  # noqa: E402

if _chosen:
    del os.environ["NUMBA_CACHE_DIR"]

_options: dict[str, Any] = {"nogil": True, "cache": True, "error_model": "numpy"}
_compile = numba.njit(**_options)
# numba counts references to every array that a function is given or slices, in atomic instructions that cost as much as
# the work of a small kernel: a random game is a quarter faster without. Where no array is made, nothing needs counting.
_options["_nrt"] = False
_compile_lean = numba.njit(**_options)
_compile_inlined = numba.njit(**_options, forceinline=True)


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiles `function` on first use, cached on disk, releasing the interpreter lock while it runs."""
    compiled: Callable[..., Any] = _compile(function)
    return compiled


def lean_kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """A `kernel` that makes no arrays (slices are none) and counts no references: for whatever is called often.

    What makes an array all the same (`np.empty`, or one array assigned to another's slice) does not compile: "NRT
    required but not enabled".
    """
    compiled: Callable[..., Any] = _compile_lean(function)
    return compiled


def inlined_kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """A `lean_kernel` whose machine code goes into that of every kernel that calls it: for the smallest and hottest."""
    compiled: Callable[..., Any] = _compile_inlined(function)
    return compiled
