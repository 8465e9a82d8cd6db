"""What can go wrong with the files of a dataset.

DataError
  DataFileError       (ValueError)    a file is truncated, corrupt, or not what it should be
  DataNotFoundError   (FileNotFoundError, RuntimeError)   the data is not where it was looked for
  DownloadError       (RuntimeError)  no mirror gave the file
  UnknownDatasetError (ValueError)    there is no dataset of this name
"""

from __future__ import annotations

__all__ = [
    "DataError",
    "DataFileError",
    "DataNotFoundError",
    "DownloadError",
    "UnknownDatasetError",
]


class DataError(Exception):
    """The base of what this room raises; the message says what to do."""


class DataFileError(DataError, ValueError):
    """A file of a dataset is truncated, corrupt, or not what it should be."""


class DataNotFoundError(DataError, FileNotFoundError, RuntimeError):
    """The data is not where it was looked for (torchvision raises RuntimeError)."""


class DownloadError(DataError, RuntimeError):
    """No mirror gave the file; the message has a line for each."""


class UnknownDatasetError(DataError, ValueError):
    """There is no dataset of this name."""
