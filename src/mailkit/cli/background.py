"""The background process of `mailkit serve`: due jobs, and the LMTP listener."""

import asyncio
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from mailkit.cli.child import Orders, orders, upkeep
from mailkit.cli.opening import open_kit
from mailkit.errors import MailKitError
from mailkit.kit import MailKit
from mailkit.listeners.inbound import InboundSink
from mailkit.listeners.limits import Limits
from mailkit.listeners.lmtp import LmtpListener
from mailkit.settings import kernel as keys

__all__ = ["DELIVERIES", "main"]

DELIVERIES = 16
"""Deliveries at a time: enough for one commit to serve many of them."""


async def _run(kit: MailKit, told: Orders) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    told.watch_lifeline()
    settings = kit.settings
    limits = Limits(
        hostname=kit.hostname(),
        max_size=settings.get(keys.LIMITS_MESSAGE_SIZE),
        max_recipients=settings.get(keys.LMTP_MAX_RECIPIENTS),
        max_connections=settings.get(keys.LMTP_MAX_CONNECTIONS),
    )
    with ThreadPoolExecutor(DELIVERIES, thread_name_prefix="delivery") as pool:
        listener = LmtpListener(InboundSink(kit, pool), limits)
        for descriptor in told.sockets:
            await listener.adopt(descriptor)
        told.say_ready()
        await stop.wait()
        await listener.close(timedelta(seconds=25))


def main() -> None:
    """Runs until SIGTERM."""
    told = orders()
    try:
        with open_kit(None, told.config, told.overrides, must_exist=False) as kit, upkeep(kit), kit.background():
            asyncio.run(_run(kit, told))
    except MailKitError as error:
        sys.exit(f"mailkit: {error.message} [{error.code}]")


if __name__ == "__main__":
    main()
