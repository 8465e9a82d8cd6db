"""Make the sample of Fashion-MNIST that comes with the package, from the full files.

    python tools/make_sample.py FOLDER

takes the first 600 training and the first 100 test images of each of the ten classes, in the order in
which they stand, and writes them as IDX files compressed with xz. Of 7,000 images (5,488,000 bytes)

    gzip -9                                     3,052,053
    bzip2 -9                                    2,813,032
    Paeth filter of PNG, then gzip / xz         2,871,584 / 2,668,336
    differences to the left, then xz            2,876,516
    pixel by pixel across the images, then xz   2,925,552
    xz -9e as it is                             2,630,140

so the plain thing is the smallest, and what reads the full files reads the sample.
"""

from __future__ import annotations

import argparse
import lzma
from pathlib import Path

import numpy as np

from penlight.datasets.catalog import FASHION_MNIST_FILES
from penlight.datasets.idx import idx_bytes
from penlight.datasets.sources import find

PER_CLASS = {True: 600, False: 100}


def choose(labels: np.ndarray, per_class: int) -> np.ndarray:
    """The positions of the first ``per_class`` of each class, in order."""
    classes = range(len(FASHION_MNIST_FILES.classes))
    return np.sort(np.concatenate([np.flatnonzero(labels == c)[:per_class] for c in classes]))


def make_sample(source: Path, target: Path) -> None:
    found = find(FASHION_MNIST_FILES, source)
    assert found is not None
    if not found.full:
        raise SystemExit(f"expected the full data, found {found}")
    target.mkdir(parents=True, exist_ok=True)
    for train, name in ((True, "train"), (False, "t10k")):
        part = FASHION_MNIST_FILES.read(found.files, train)
        chosen = choose(part.labels, PER_CLASS[train])
        write(target / f"{name}-images-idx3-ubyte.xz", part.images[chosen])
        write(target / f"{name}-labels-idx1-ubyte.xz", part.labels[chosen].astype(np.uint8))


def write(path: Path, array: np.ndarray) -> None:
    content = lzma.compress(idx_bytes(array), preset=9 | lzma.PRESET_EXTREME)
    path.write_bytes(content)
    print(f"{path}: {len(array):,} in {len(content):,} bytes")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("source", type=Path, help="the folder with the four full files")
    parser.add_argument("--target", type=Path, default=FASHION_MNIST_FILES.sample)
    arguments = parser.parse_args()
    make_sample(arguments.source, arguments.target)
