# SPDX-License-Identifier: MIT
"""What an application carries, typed: aiohttp looks these up by identity, so nothing is global."""

from aiohttp import web
from prometheus_client import CollectorRegistry

from osak.node.service import ShareService

SERVICE = web.AppKey("service", ShareService)
REGISTRY = web.AppKey("registry", CollectorRegistry)
