"""The kinds of networks that a file or a run can hold, each with the configuration of its shape."""

from typing import Any, TypeAlias

from engine.alphago_networks import PolicyArchitecture, PolicyNetwork, ValueArchitecture, ValueNetwork
from engine.network_file import COMPACT, POLICY, VALUE, NetworkFileError
from engine.networks import Architecture, Compact
from gozero import config

Network: TypeAlias = Compact | PolicyNetwork | ValueNetwork
AnyArchitecture: TypeAlias = Architecture | PolicyArchitecture | ValueArchitecture

ARCHITECTURES: dict[str, type[AnyArchitecture]] = {
    COMPACT: Architecture,
    POLICY: PolicyArchitecture,
    VALUE: ValueArchitecture,
}


def kind_of(architecture: AnyArchitecture) -> str:
    """The kind that a network file names."""
    return next(kind for kind, its in ARCHITECTURES.items() if isinstance(architecture, its))


def build(architecture: AnyArchitecture, planes: int) -> Network:
    """A fresh network of that shape for so many input planes."""
    if isinstance(architecture, PolicyArchitecture):
        return PolicyNetwork(architecture, planes)
    if isinstance(architecture, ValueArchitecture):
        return ValueNetwork(architecture, planes)
    return Compact(architecture, planes)


def parse_architecture(kind: str, values: dict[str, Any], origin: str) -> AnyArchitecture:
    """The shape in a network file's metadata. Raises NetworkFileError or ConfigError, naming the file `origin`."""
    if kind not in ARCHITECTURES:
        raise NetworkFileError(
            f"{origin} holds a network of kind {kind!r}; this version knows {', '.join(ARCHITECTURES)}"
        )
    return config.convert(values, ARCHITECTURES[kind], origin)
