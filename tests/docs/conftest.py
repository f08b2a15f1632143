"""The pages' generator is a package beside them, which `make docs` finds as a script's neighbour; so do these tests."""

from __future__ import annotations

import sys

from support.docs import DOCS

sys.path.insert(0, str(DOCS))
