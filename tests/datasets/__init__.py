"""Finding, fetching and reading image datasets."""
