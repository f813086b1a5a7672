"""A pytest plugin of all suites (suite.py): httpx waits for 60 s where a test does not say how long. Its own 5 s are too few on a machine that runs
six suites on two cores."""

import httpx

for _step in ("connect", "read", "write", "pool"):
    setattr(httpx._config.DEFAULT_TIMEOUT_CONFIG, _step, 60)  # one object, which is the default of every call and client
