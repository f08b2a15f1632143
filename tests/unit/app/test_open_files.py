"""A gateway may hold as many connections as the system allows it, whatever the shell gave it at first."""

import resource
import subprocess
import sys

from pointsman.app.open_files import raise_open_files

_RAISE = "from pointsman.app.open_files import raise_open_files; print(raise_open_files())"


def test_the_soft_limit_rises_to_the_hard_one():
    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (128, 640))

    ran = subprocess.run(
        [sys.executable, "-c", _RAISE], preexec_fn=few, capture_output=True, text=True, check=True
    )  # nothing runs beside it
    assert ran.stdout.strip() == "640"


def test_a_limit_that_is_high_already_stays():
    first = raise_open_files()
    assert raise_open_files() == first
