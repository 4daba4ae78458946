"""The loader's errors name the file, the key and the way out; presets load."""

from pathlib import Path

import pytest

from gozero import config
from gozero.config import Config, ConfigError
from gozero.data_files import data_dir


class Inner(Config, frozen=True):
    steps: int = 1
    rate: float = 0.5


class Outer(Config, frozen=True):
    name: str
    loop: Inner = Inner()
    maybe: Inner | None = None
    tags: tuple[str, ...] = ()


def write(folder: Path, text: str) -> Path:
    path = folder / "my.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_configuration_is_found_by_path_or_name(tmp_path: Path):
    path = write(tmp_path, "name: mine")
    assert config.find(str(path)) == path
    assert config.find("compact-9") == data_dir() / "configs" / "compact-9.yaml"
    for kind, named, others in (
        ("", ("compact-9", "policy-gradient-cartpole"), ("selfplay-9", "player-auto", "tournament-table-9")),
        ("selfplay", ("selfplay-9",), ("compact-9", "player-auto", "tournament-table-9")),
    ):
        with pytest.raises(ConfigError, match="there is no configuration nothing; presets: ") as caught:
            config.find("nothing", kind)
        presets = str(caught.value).partition("presets: ")[2].split(", ")
        assert set(named) <= set(presets)
        assert not set(others) & set(presets)


def test_values_defaults_and_overrides(tmp_path: Path):
    path = write(tmp_path, "name: a\nloop: {steps: 3}\n")
    loaded = config.load(path, Outer, ["loop.rate=2", "tags=[x, y]", "maybe.steps=7", "name=b=c"])
    assert loaded == Outer(name="b=c", loop=Inner(steps=3, rate=2.0), maybe=Inner(steps=7), tags=("x", "y"))


@pytest.mark.parametrize("number", ["1e-3", "1E-3", "+1e-03", "10.e-4", ".1e-2", "0.001"])
def test_numbers_may_have_an_exponent(tmp_path: Path, number: str):
    wanted = Outer(name="1e-3x", loop=Inner(rate=0.001))
    assert config.load(write(tmp_path, f"name: 1e-3x\nloop: {{rate: {number}}}\n"), Outer) == wanted
    assert config.load(write(tmp_path, "name: 1e-3x\n"), Outer, [f"loop.rate={number}"]) == wanted
    assert config.load(write(tmp_path, "name: 'x'\n"), Outer, ["name='1e-3'", "loop.rate=-2e1"]).name == "1e-3"


def test_dump_reads_back(tmp_path: Path):
    original = Outer(name="ü: #", loop=Inner(rate=1e-5), maybe=Inner(), tags=("yes", "1", "1e-3"))
    assert config.load(write(tmp_path, config.dump(original)), Outer) == original


def test_flatten_uses_the_keys_of_set():
    assert config.flatten(Outer(name="a", maybe=Inner())) == {
        "name": "a",
        "loop.steps": 1,
        "loop.rate": 0.5,
        "maybe.steps": 1,
        "maybe.rate": 0.5,
        "tags": (),
    }


@pytest.mark.parametrize(
    ("text", "overrides", "expected"),
    [
        ("name: a\nloop: {stepz: 3}\n", [], ["my.yaml", "'loop.stepz'", "'loop.steps'"]),
        ("name: a\nmaybe: {raet: 3}\n", [], ["my.yaml", "'maybe.raet'", "'maybe.rate'"]),
        ("name: a\nzzz: 3\n", [], ["my.yaml", "'zzz'", "valid here: name, loop"]),
        ("name: a\n", ["loop.stps=3"], ["'loop.stps'", "'loop.steps'"]),
        ("loop: {}\n", [], ["my.yaml", "name"]),
        ("name: a\nloop: {steps: many}\n", [], ["my.yaml", "'loop.steps'", "int"]),
        ("name: a\nloop: {rate: .nan}\n", [], ["my.yaml", "'loop.rate'", ".nan"]),
        ("name: a\nloop: 3\n", [], ["my.yaml", "'loop'"]),
        ("name: [a\n", [], ["my.yaml", "YAML"]),
        ("name: a\nloop: {rate: 1}\nloop: {steps: 3}\n", [], ["my.yaml", "'loop' stands twice"]),
        ("name: a\n", ["loop={steps: 1, steps: 3}"], ["'loop'", "YAML"]),
        ("- a\n", [], ["my.yaml", "keys and values"]),
        ("", [], ["my.yaml", "name"]),
        ("name: a\n", ["loop.steps"], ["'loop.steps'", "key=value"]),
        ("name: a\n", ["name.x=1"], ["'name.x'", "'name'"]),
        ("name: a\n", ["loop.steps=[1"], ["'loop.steps'", "YAML"]),
    ],
)
def test_errors_name_the_key_and_the_way_out(tmp_path: Path, text: str, overrides: list[str], expected: list[str]):
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        config.load(path, Outer, overrides)
    for words in expected:
        assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_and_binary_files(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"absent\.yaml"):
        config.load(tmp_path / "absent.yaml", Outer)
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(ConfigError, match="not a text file"):
        config.load(tmp_path / "binary.yaml", Outer)


OTHERS = (
    "player-",
    "tournament-",
    "selfplay-",
    "dqn-",
    "actor-critic-",
    "policy-gradient-",
)  # tested where they are used
PRESETS = sorted(path.name for path in (data_dir() / "configs").glob("*.yaml") if not path.name.startswith(OTHERS))


@pytest.mark.parametrize("name", PRESETS)
def test_every_training_preset_loads(name: str):
    from training.generations_config import GenerationsConfig
    from training.reinforce_config import ReinforceConfig
    from training.rollout_fit import RolloutConfig
    from training.supervised import PolicyConfig
    from training.value import ValueConfig

    kinds: dict[str, type[RolloutConfig | ReinforceConfig | ValueConfig | GenerationsConfig]] = {
        "loop": GenerationsConfig,
        "rollout": RolloutConfig,
        "reinforce": ReinforceConfig,
        "value": ValueConfig,
    }
    stage = name.removesuffix(".yaml").partition("-")[0]
    kind: type[RolloutConfig | ReinforceConfig | ValueConfig | GenerationsConfig | PolicyConfig]
    kind = kinds.get(stage, PolicyConfig)
    loaded = config.load(data_dir() / "configs" / name, kind)
    assert loaded.name == Path(name).stem
