"""A study: a grid of settings, declared in a few lines of Python or in a TOML file."""

from __future__ import annotations

import dataclasses
import difflib
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import Any

from penlight.studies.tasks import TASKS
from penlight.training import ConfigError, read_config

__all__ = ["Cell", "Study", "read_study"]

Settings = Mapping[str, Any]
_KEEP = ("best", "all", "none")


@dataclass(frozen=True)
class Cell:
    """One point of the grid: one run.

    Attributes:
        id: readable and stable; the name of the cell's folder.
        point: the label on each axis, in the order of the axes.
        config: the settings of the task, such as a ``TrainConfig``.
    """

    id: str
    point: Mapping[str, Any]
    config: Any


@dataclass(frozen=True)
class Study:
    """A grid of cells: the product of all axes, each cell a run with the same fixed settings.

    An axis is a setting with the values it takes; an option of a model is reached by a dot
    (``"model_options.blocks": [2, 4]``). Or it is a table of labels, each of which stands for several
    settings at once. Tables of options are merged; the empty text takes a fixed setting away.

    Attributes:
        name: of the study.
        axes: by name; the last one varies fastest. ``seed`` is an axis like all others.
        fixed: settings of all cells; what to record is among them.
        title, about: what is asked, for the report.
        task: what a cell does, one of ``TASKS``.
        exclude: cells with all of one entry's labels are left out.
        quick: ``axes`` and ``fixed`` that replace those of the same name in the quick form (``fixed``
            those of labels, too), and ``only``, the labels that are left of an axis.
        keep: checkpoints that stay when a cell is finished: ``"best"``, ``"all"`` or ``"none"``.
        rows, columns: the axes of the report's table; the others are averaged over.
        imports: modules that a process imports before it runs cells; they may register models.

    Raises:
        ConfigError: names the key, what is expected and what came.

    Example:
        >>> study = Study("widths", axes={"model_options.hidden": [[32], [64]], "seed": [0, 1]},
        ...               fixed={"model": "mlp", "data": "mnist", "epochs": 3})
        >>> [cell.id for cell in study.cells()][:2]
        ['hidden=32,seed=0', 'hidden=32,seed=1']
    """

    name: str
    axes: Mapping[str, Sequence[Any] | Mapping[str, Settings]]
    fixed: Settings = field(default_factory=dict)
    title: str = ""
    about: str = ""
    task: str = "train"
    exclude: Sequence[Settings] = ()
    quick: Mapping[str, Any] = field(default_factory=dict)
    keep: str = "best"
    rows: Sequence[str] = ()
    columns: Sequence[str] = ()
    imports: Sequence[str] = ()

    def __post_init__(self) -> None:
        _expect(
            isinstance(self.name, str) and re.fullmatch(r"[A-Za-z0-9][\w.+-]*", self.name),
            "name must be a word of letters, digits, '_', '.', '+', '-'",
            self.name,
        )
        for name in ("title", "about"):
            _expect(
                isinstance(getattr(self, name), str), f"{name} must be text", getattr(self, name)
            )
        _expect(self.task in TASKS, f"task must be one of {', '.join(TASKS)}", self.task)
        _expect(self.keep in _KEEP, f"keep must be one of {', '.join(_KEEP)}", self.keep)
        for name in ("axes", "fixed", "quick"):
            _expect(
                isinstance(getattr(self, name), Mapping),
                f"{name} must be a table",
                getattr(self, name),
            )
        object.__setattr__(self, "axes", self._checked_axes(self.axes))
        object.__setattr__(self, "fixed", self._checked_settings(self.fixed, "fixed"))
        for name in ("rows", "columns", "imports"):
            self._check_names(name)
        _expect(
            not isinstance(self.exclude, (str, Mapping))
            and all(isinstance(e, Mapping) for e in self.exclude),
            "exclude must be a list of tables",
            self.exclude,
        )
        for key in (k for entry in self.exclude for k in entry):
            _expect_known("exclude", _spelled(key), self.axes, "axis")
        for key in self.quick:
            _expect_known("quick", key, ("axes", "fixed", "only"), "key")

    # -- what the grid is --------------------------------------------------------------------

    def cells(self) -> list[Cell]:
        """All cells, in order.

        Raises:
            ConfigError: if a cell's settings can't be; the message names the cell.
        """
        cells: dict[str, Cell] = {}
        for choice in itertools.product(*(self._values(name) for name in self.axes)):
            point = {name: label for name, (label, _) in zip(self.axes, choice, strict=True)}
            if any(all(point[_spelled(k)] == v for k, v in e.items()) for e in self.exclude):
                continue
            settings: dict[str, Any] = {}
            for changes in (self.fixed, *(changes for _, changes in choice)):
                settings = _merged(settings, changes)
            name = ",".join(_part(axis, label) for axis, label in point.items()) or self.name
            if name in cells:
                raise ConfigError(f"study {self.name!r}: axes give two cells called {name!r}")
            config = TASKS[self.task].config.from_dict(
                settings, f"study {self.name!r}, cell {name}"
            )
            cells[name] = Cell(name, point, config)
        if not cells:
            raise ConfigError(f"study {self.name!r}: exclude leaves no cell")
        return list(cells.values())

    def quick_form(self) -> Study:
        """The same study at a size that takes seconds, as ``quick`` says."""
        axes: dict[str, Any] = {
            **self.axes,
            **self._checked_axes(self.quick.get("axes", {}), "quick.axes"),
        }
        for name, labels in self.quick.get("only", {}).items():
            _expect_known("quick.only", _spelled(name), axes, "axis")
            axis = axes[_spelled(name)]
            for label in labels:
                _expect(label in axis, f"quick.only.{name} must be labels of that axis", label)
            axes[_spelled(name)] = (
                {k: v for k, v in axis.items() if k in labels}
                if isinstance(axis, Mapping)
                else list(labels)
            )
        changes = self._checked_settings(self.quick.get("fixed", {}), "quick.fixed")
        for name, axis in axes.items():
            if isinstance(axis, Mapping):
                axes[name] = {
                    label: _without(settings, changes) for label, settings in axis.items()
                }
        fixed = _merged(self.fixed, changes)
        return dataclasses.replace(
            self, name=f"{self.name}-quick", axes=axes, fixed=fixed, quick={}
        )

    def with_settings(self, **settings: Any) -> Study:
        """The study with other fixed settings."""
        return dataclasses.replace(self, fixed=_merged(self.fixed, settings))

    def with_seeds(self, count: int) -> Study:
        """The study with seeds 0 to ``count`` - 1."""
        return dataclasses.replace(self, axes={**self.axes, "seed": list(range(count))})

    # -- plain values ------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """The declaration as plain values, ready for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], where: str = "study") -> Study:
        """The study of these values, as a TOML file holds them.

        Raises:
            ConfigError: for an unknown key (the nearest known one is shown) or a bad value.
        """
        known = [f.name for f in dataclasses.fields(cls)]
        try:
            for key in values:
                _expect_known("study", _spelled(key), known, "key")
            given = {_spelled(key): value for key, value in values.items()}
            for key in ("name", "axes"):
                if key not in given:
                    raise ConfigError(f"{key} is missing")
            return cls(**given)
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from None

    # -- checks ------------------------------------------------------------------------------

    @property
    def _fields(self) -> list[str]:
        return [f.name for f in dataclasses.fields(TASKS[self.task].config)]

    @property
    def _tables(self) -> list[str]:
        """Settings that are tables of options."""
        config = TASKS[self.task].config
        return [f.name for f in dataclasses.fields(config) if f.default_factory is dict]

    def _checked_axes(self, axes: Mapping[str, Any], where: str = "axes") -> dict[str, Any]:
        flat: dict[str, Any] = {}
        for name, values in axes.items():
            key = _spelled(name)
            if key in self._tables and isinstance(values, Mapping):  # TOML's model_options.blocks
                flat |= {f"{key}.{_spelled(option)}": v for option, v in values.items()}
            else:
                flat[key] = values
        for key, values in flat.items():
            if isinstance(values, Mapping):
                _expect(values, f"{where}.{key} must have a label", values)
                for label, settings in values.items():
                    _expect(
                        isinstance(settings, Mapping),
                        f"{where}.{key}.{label} must be a table of settings",
                        settings,
                    )
                    self._checked_settings(settings, f"{where}.{key}.{label}")
                continue
            self._expect_setting(where, key)
            right = isinstance(values, Sequence) and not isinstance(values, str) and len(values) > 0
            _expect(right, f"{where}.{key} must be a list of one or more values", values)
            twice = [v for i, v in enumerate(values) if v in values[:i]]
            if twice:
                raise ConfigError(
                    f"{where}.{key} has {twice[0]!r} twice; expected different values"
                )
        return flat

    def _checked_settings(self, settings: Settings, where: str) -> dict[str, Any]:
        for key in settings:
            self._expect_setting(where, _spelled(key))
        return {_spelled(k): v for k, v in settings.items()}

    def _expect_setting(self, where: str, key: str) -> None:
        table, dot, option = key.partition(".")
        if dot and option and table in self._tables:
            return
        _expect_known(where, key, self._fields, "setting")

    def _check_names(self, name: str) -> None:
        names = getattr(self, name)
        listed = isinstance(names, (list, tuple)) and all(isinstance(n, str) for n in names)
        _expect(listed, f"{name} must be a list of names", names)
        names = tuple(names)
        if name != "imports":
            names = tuple(_spelled(n) for n in names)
            for axis in names:
                _expect_known(name, axis, self.axes, "axis")
        object.__setattr__(self, name, names)

    def _values(self, name: str) -> Iterator[tuple[Any, Settings]]:
        """The labels of an axis and the settings that each stands for."""
        axis = self.axes[name]
        if isinstance(axis, Mapping):
            yield from axis.items()
        else:
            yield from ((value, {name: value}) for value in axis)


def read_study(path: str | PathLike[str]) -> Study:
    """The study in a TOML file.

    Raises:
        ConfigError: if it is missing, no TOML, or something in it can't be.
    """
    return Study.from_dict(read_config(path), str(path))


def _spelled(name: str) -> str:
    return name.replace("-", "_")


def _expect(right: Any, rule: str, value: Any) -> None:
    if not right:
        raise ConfigError(f"{rule}, got {value!r}")


def _expect_known(where: str, name: str, known: Any, kind: str) -> None:
    if name in known:
        return
    near = difflib.get_close_matches(name, list(known), 1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
    raise ConfigError(f"{where}: unknown {kind} {name!r}; {hint}")


def _merged(settings: Settings, changes: Settings) -> dict[str, Any]:
    """``settings`` with ``changes``: tables of options are merged, ``a.b`` sets an option, and the
    empty text takes a setting away."""
    result = dict(settings)
    for key, value in changes.items():
        name, dot, option = _spelled(key).partition(".")
        if dot:
            value = {option: value}
        if isinstance(value, Mapping):
            result[name] = _merged(result.get(name, {}), value)
        elif value == "":
            result.pop(name, None)
        else:
            result[name] = value
    return result


def _without(settings: Settings, others: Settings) -> dict[str, Any]:
    """The settings that ``others`` do not hold; tables of options stay."""
    return {
        k: v for k, v in settings.items() if isinstance(v, Mapping) or _spelled(k) not in others
    }


def _part(axis: str, label: Any) -> str:
    """A cell's place on an axis, in letters that every file system takes: words stand alone."""
    text = "-".join(map(str, label)) if isinstance(label, (list, tuple)) else str(label)
    if isinstance(label, float):
        text = f"{label:g}"
    text = re.sub(r"[^\w.+=-]+", "-", text).strip("-.") or "none"
    return text if isinstance(label, str) else f"{axis.rpartition('.')[2]}={text}"
