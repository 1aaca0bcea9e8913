# SPDX-License-Identifier: MIT
"""For the operator's machines, on the admin port only: is it alive, can it serve, and the metrics."""

from aiohttp import web
from prometheus_client import generate_latest

from osak.node.handlers.keys import CHECKED, REGISTRY


async def report_alive(_: web.Request) -> web.Response:
    """GET /health/live: the process answers."""
    return web.json_response({"status": "alive"})


async def report_ready(request: web.Request) -> web.Response:
    """GET /health/ready: the store answers too; else 503."""
    for service in request.app[CHECKED]:
        await service.check()
    return web.json_response({"status": "ready"})


async def report_metrics(request: web.Request) -> web.Response:
    """GET /metrics in Prometheus's text format."""
    return web.Response(
        body=generate_latest(request.app[REGISTRY]),
        headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
    )
