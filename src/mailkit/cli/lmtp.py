"""LMTP in a process of `mailkit serve`, until it is told to stop."""

import asyncio
import gc
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from mailkit.cli.child import Orders
from mailkit.kit import MailKit
from mailkit.listeners.inbound import InboundSink
from mailkit.listeners.limits import Limits
from mailkit.listeners.lmtp import LmtpListener
from mailkit.settings import kernel as keys

__all__ = ["DELIVERIES", "serve_sockets"]

DELIVERIES = 16
"""Deliveries on threads at a time: enough for one commit to serve many of them."""

_GRACE = timedelta(seconds=25)


def serve_sockets(kit: MailKit, told: Orders) -> None:
    """Takes mail in on the inherited sockets (there may be none) until SIGTERM; deliveries under way are finished."""
    # What is loaded by now lives as long as the process: the collector need not look at it again and again.
    gc.collect()
    gc.freeze()
    asyncio.run(_serve(kit, told))


async def _serve(kit: MailKit, told: Orders) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    told.watch_lifeline()
    settings = kit.settings
    share = -(-settings.get(keys.LMTP_MAX_CONNECTIONS) // settings.get(keys.LMTP_WORKERS))
    limits = Limits(
        hostname=kit.hostname(),
        max_size=settings.get(keys.LIMITS_MESSAGE_SIZE),
        max_recipients=settings.get(keys.LMTP_MAX_RECIPIENTS),
        max_connections=share,
    )
    with ThreadPoolExecutor(DELIVERIES, thread_name_prefix="delivery") as pool:
        listener = LmtpListener(InboundSink(kit, pool), limits)
        for descriptor in told.sockets:
            await listener.adopt(descriptor)
        told.say_ready()
        await stop.wait()
        await listener.close(_GRACE)
