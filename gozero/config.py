"""YAML to a typed configuration: one strict loader for every preset.

A configuration is a frozen `msgspec.Struct` that stands beside its consumer. Unknown keys, wrong types and missing
values are errors that name the file, the key and, for a misspelt key, the nearest valid one.
"""

import difflib
import math
import os
import re
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
import yaml

from gozero.data_files import data_dir
from gozero.errors import GozeroError

T = TypeVar("T", bound=msgspec.Struct)

KINDS: Final = ("player", "selfplay", "tournament")
"""What the names of presets begin with that are not for training."""


class ConfigError(GozeroError):
    """A configuration that cannot be read; the message names the file, the key and the way out."""


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every configuration: immutable, keyword-only, unknown keys refused."""


class _Loader(yaml.SafeLoader):
    """PyYAML's, which takes 1e-3 for a number, as YAML 1.2 does, and not for text; and refuses what stands twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """As PyYAML, which would keep the last of several values of a key; raises ConstructorError there."""
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.value != "<<"]
        for number, key in enumerate(keys):
            if key in keys[:number]:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    """PyYAML's, which puts text in quotes that `_Loader` would take for a number."""


_EXPONENT: Final = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)[eE][-+]?[0-9]+$")
for _yaml in (_Loader, _Dumper):
    _yaml.add_implicit_resolver("tag:yaml.org,2002:float", _EXPONENT, list("-+.0123456789"))


def find(name: str, kind: str = "") -> Path:
    """The configuration file that a path, or the name of a preset, means.

    Args:
        kind: one of `KINDS`; "" for training. Of this kind are the presets that are told where there is no such file.

    Raises:
        ConfigError: there is none.
    """
    folder = data_dir() / "configs"
    for path in (Path(name), folder / f"{name}.yaml"):
        if path.is_file():
            return path
    presets = sorted(path.stem for path in folder.glob("*.yaml"))
    known = ", ".join(preset for preset in presets if _kind_of(preset) == kind)
    raise ConfigError(f"there is no configuration {name}; presets: {known}")


def _kind_of(preset: str) -> str:
    first = preset.partition("-")[0]
    return first if first in KINDS else ""


def load(path: str | os.PathLike[str], kind: type[T], overrides: Sequence[str] = ()) -> T:
    """Read the YAML file `path` as a `kind`; `overrides` are `"a.b=value"` with the value written as YAML.

    Raises ConfigError when the file is missing, is not YAML, or does not fit `kind`.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot read the configuration {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not a text file") from error
    try:
        data = yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise ConfigError(f"{path} must hold keys and values, it holds a {type(data).__name__}")
    for override in overrides:
        _apply(data, override)
    return convert(data, kind, str(path))


def convert(data: dict[str, Any], kind: type[T], origin: str) -> T:
    """`data` (keys and plain values) as a `kind`; `origin` names the source in error messages. Raises ConfigError."""
    _refuse_unknown(data, kind, origin, "")
    try:
        config = msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{origin}: {_in_our_words(str(error))}") from error
    for key, value in flatten(config).items():
        if isinstance(value, float) and math.isnan(value):  # no comparison finds it out of bounds
            raise ConfigError(f"{origin}: key {key!r}: it takes a number, and .nan is none")
    return config


def dump(config: msgspec.Struct) -> str:
    """`config` as YAML that `load` reads back to an equal value."""
    return yaml.dump(msgspec.to_builtins(config), Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def flatten(config: msgspec.Struct) -> dict[str, Any]:
    """Every value of `config` under its dotted key, as `--set` spells it."""
    flat: dict[str, Any] = {}

    def walk(value: Any, key: str) -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                walk(inner, f"{key}.{name}" if key else name)
        else:
            flat[key] = value

    walk(msgspec.to_builtins(config), "")
    return flat


def _apply(data: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        raise ConfigError(f"cannot read the setting {override!r}: write it as key=value, for example loop.steps=1000")
    try:
        value = yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        raise ConfigError(f"cannot read the value of {key!r}: {text!r} is not valid YAML") from error
    inner = data
    for part in parts[:-1]:
        step = inner.setdefault(part, {})
        if not isinstance(step, dict):
            raise ConfigError(f"cannot set {key!r}: {part!r} is a value, not a group of keys")
        inner = step
    inner[parts[-1]] = value


def _refuse_unknown(data: dict[Any, Any], kind: type[msgspec.Struct], origin: str, prefix: str) -> None:
    fields = {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
    for key, value in data.items():
        if key not in fields:
            near = difflib.get_close_matches(str(key), list(fields), n=1, cutoff=0.5)
            hint = f"did you mean {prefix + near[0]!r}?" if near else f"valid here: {', '.join(fields)}"
            raise ConfigError(f"{origin}: unknown key {prefix + str(key)!r}; {hint}")
        struct = _struct_in(fields[key])
        if struct is not None and isinstance(value, dict):
            _refuse_unknown(value, struct, origin, f"{prefix}{key}.")


def _struct_in(annotation: Any) -> type[msgspec.Struct] | None:
    """The Struct that a field of this type holds, also as `Struct | None`."""
    for candidate in (annotation, *typing.get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, msgspec.Struct):
            return candidate
    return None


def _in_our_words(message: str) -> str:
    """msgspec's message with its path (`$.loop.steps`) as the key that the file has."""
    text, at, path = message.partition(" - at `$.")
    if not at:
        return text
    return f"key {path.rstrip('`')!r}: {text[0].lower()}{text[1:]}"
