"""MNIST, Fashion-MNIST and CIFAR-10: found, fetched and checked.

    train_set = datasets.FashionMNIST("data", train=True, transform=ToTensor(), download=True)

works as with torchvision. Without a folder in mind::

    source = datasets.locate("fashion-mnist")  # print(source) says how many images, and from where
    train_set = datasets.load(source, train=True)
    tensors = datasets.as_tensors(train_set)   # normalised, all at once
"""

from penlight.datasets.cifar import CIFAR10
from penlight.datasets.errors import (
    DataError,
    DataFileError,
    DataNotFoundError,
    DownloadError,
    UnknownDatasetError,
)
from penlight.datasets.files import FileCheck
from penlight.datasets.loading import load
from penlight.datasets.manage import (
    Listing,
    Verification,
    get_dataset,
    list_datasets,
    verify_dataset,
)
from penlight.datasets.mnist import MNIST, FashionMNIST
from penlight.datasets.sources import Source, cache_folder, locate, sample_folder
from penlight.datasets.vision import VisionDataset, as_tensors

__all__ = [
    "CIFAR10",
    "MNIST",
    "DataError",
    "DataFileError",
    "DataNotFoundError",
    "DownloadError",
    "FashionMNIST",
    "FileCheck",
    "Listing",
    "Source",
    "UnknownDatasetError",
    "Verification",
    "VisionDataset",
    "as_tensors",
    "cache_folder",
    "get_dataset",
    "list_datasets",
    "load",
    "locate",
    "sample_folder",
    "verify_dataset",
]
