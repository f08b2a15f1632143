"""One scorer, one file: an answer in, `Score` or `Unscored` out."""
