"""The datasets that Penlight knows."""

from __future__ import annotations

from pathlib import Path

from penlight.datasets.cifar_files import CifarFiles
from penlight.datasets.errors import UnknownDatasetError
from penlight.datasets.files import DatasetFiles
from penlight.datasets.idx_files import IdxFiles

__all__ = ["CATALOG", "CIFAR10_FILES", "FASHION_MNIST_FILES", "MNIST_FILES", "dataset_files"]

MNIST_FILES = IdxFiles(
    name="mnist",
    title="MNIST",
    classes=(
        "0 - zero", "1 - one", "2 - two", "3 - three", "4 - four",
        "5 - five", "6 - six", "7 - seven", "8 - eight", "9 - nine",
    ),
    mean=(0.1307,),
    std=(0.3081,),
    image=(28, 28),
    images=(60_000, 10_000),
    licence="CC BY-SA 3.0, Y. LeCun, C. Cortes, C. Burges",
    download_size=11_594_722,
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    ),
    folders=("MNIST/raw", "mnist", "MNIST", "."),
)  # fmt: skip

FASHION_MNIST_FILES = IdxFiles(
    name="fashion-mnist",
    title="Fashion-MNIST",
    classes=(
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
        "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    ),
    mean=(0.2860,),
    std=(0.3530,),
    image=(28, 28),
    images=(60_000, 10_000),
    licence="MIT, Zalando SE",
    download_size=30_878_645,
    mirrors=(
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ),
    folders=("FashionMNIST/raw", "fashion-mnist", "FashionMNIST", "."),
    sample=Path(__file__).parent / "sample",
)  # fmt: skip

CIFAR10_FILES = CifarFiles(
    name="cifar10",
    title="CIFAR-10",
    classes=(
        "airplane", "automobile", "bird", "cat", "deer",
        "dog", "frog", "horse", "ship", "truck",
    ),
    mean=(0.4914, 0.4822, 0.4465),
    std=(0.2470, 0.2435, 0.2616),
    image=(32, 32, 3),
    images=(50_000, 10_000),
    licence="free for research, cite Krizhevsky 2009",
    download_size=170_498_071,
    mirrors=("https://www.cs.toronto.edu/~kriz/",),
    folders=(".", "cifar10", "CIFAR10", "cifar10-subset"),
)  # fmt: skip

CATALOG: dict[str, DatasetFiles] = {
    files.name: files for files in (MNIST_FILES, FASHION_MNIST_FILES, CIFAR10_FILES)
}


def dataset_files(name: str) -> DatasetFiles:
    """Look up a dataset; ``FashionMNIST`` and ``fashion_mnist`` are ``fashion-mnist`` too.

    Raises:
        UnknownDatasetError: if there is none of this name.
    """
    for key, files in CATALOG.items():
        if _letters(name) == _letters(key):
            return files
    raise UnknownDatasetError(f"dataset must be one of {', '.join(CATALOG)}, got {name!r}")


def _letters(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())
