"""The studies that come with Penlight, one TOML file each."""

from __future__ import annotations

from pathlib import Path

from penlight.datasets import sample_folder
from penlight.studies.study import Study, read_study
from penlight.training import ConfigError

__all__ = ["CATALOGUE", "find_study"]

SAMPLE = "fashion-mnist"
CATALOGUE = {path.stem: path for path in sorted(Path(__file__).parent.glob("*.toml"))}


def find_study(name: str, quick: bool = False) -> Study:
    """A study of the catalogue, or of a TOML file.

    Args:
        name: as in ``CATALOGUE``, or the path of a file.
        quick: its quick form, on the sample of images that comes with the package.

    Raises:
        ConfigError: if there is none, or something in it can't be.
    """
    path = CATALOGUE.get(name)
    if path is None:
        path = Path(name)
        if path.suffix != ".toml" and not path.exists():
            raise ConfigError(
                f"study must be one of {', '.join(CATALOGUE)}, or a TOML file, got {name!r}"
            )
    study = read_study(path)
    if not quick:
        return study
    study = study.quick_form()
    if study.task == "train":
        study = study.with_settings(data_dir=str(sample_folder()))
        others = {c.config.data for c in study.cells()} - {SAMPLE}
        if others:
            raise ConfigError(
                f"{path}: quick must leave data = {SAMPLE!r} alone, of which the package has a "
                f"sample, got {', '.join(sorted(others))}"
            )
    return study
