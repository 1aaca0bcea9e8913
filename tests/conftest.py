# SPDX-License-Identifier: MIT
"""What holds for every test.

A slow machine is no fault, so hypothesis watches no clock. Signals do what they do at a terminal, also
when the tests themselves run in the background or under ``nohup``, whose children ignore some of them.
"""

import signal

import pytest
from hypothesis import HealthCheck, settings


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What one worker must do alone takes longest, so it comes first."""
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)


settings.register_profile("osak", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("osak")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
