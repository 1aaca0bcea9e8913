# SPDX-License-Identifier: MIT
"""What holds for every test: a slow machine is no fault, so hypothesis watches no clock."""

from hypothesis import HealthCheck, settings

settings.register_profile("osak", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("osak")
