"""Small datasets in the published formats."""

from __future__ import annotations

import gzip
import io
import pickle
import tarfile
from pathlib import Path

import numpy as np

from penlight.datasets.catalog import CIFAR10_FILES
from penlight.datasets.idx import idx_bytes

IDX_NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def images_and_labels(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, 28, 28), np.uint8)
    return images, rng.permutation(count).astype(np.uint8) % 10


def idx_contents(train: int = 30, test: int = 20, seed: int = 0) -> dict[str, bytes]:
    arrays = (*images_and_labels(train, seed), *images_and_labels(test, seed + 1))
    return {
        name: idx_bytes(np.ascontiguousarray(a)) for name, a in zip(IDX_NAMES, arrays, strict=True)
    }


def write_idx(
    folder: Path, train: int = 30, test: int = 20, suffix: str = ".gz", seed: int = 0
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    pack = gzip.compress if suffix == ".gz" else bytes
    for name, content in idx_contents(train, test, seed).items():
        (folder / (name + suffix)).write_bytes(pack(content))
    return folder


def cifar_contents(cases: int = 4, protocol: int = 2, text_keys: bool = False) -> dict[str, bytes]:
    """Batches as the published ones, whose keys are bytes to Python 3."""
    rng = np.random.default_rng(0)

    def key(name: str) -> str | bytes:
        return name if text_keys else name.encode()

    def batch() -> bytes:
        labels = [int(i) for i in rng.integers(0, 10, cases)]
        data = rng.integers(0, 256, (cases, 3072), np.uint8)
        return pickle.dumps({key("labels"): labels, key("data"): data}, protocol)

    names = [key(name) for name in CIFAR10_FILES.classes]
    meta = {key("num_cases_per_batch"): cases, key("label_names"): names}
    batches = (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch")
    return {"batches.meta": pickle.dumps(meta, protocol), **{name: batch() for name in batches}}


def write_batches(folder: Path, contents: dict[str, bytes]) -> Path:
    unpacked = folder / "cifar-10-batches-py"
    unpacked.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (unpacked / name).write_bytes(content)
    return folder


def archive_bytes(contents: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
