"""Test sets: files a user has, read into `Case`s without holding them all in memory."""

from pointsman.evals.dataset.opening import open_dataset
from pointsman.evals.dataset.spec import TestsSpec
from pointsman.evals.dataset.spool import Dataset, DatasetInfo

__all__ = ["Dataset", "DatasetInfo", "TestsSpec", "open_dataset"]
