"""Where redirects may lead: not from the internet to this machine, or to its neighbours."""

from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address
from typing import Any

from c2s_assets.core.errors import DownloadError


def is_inner(address: str) -> bool:
    """Whether an IP address is of this machine, of its own network, or of none: anything but the internet."""
    found = ip_address(address)
    if isinstance(found, IPv6Address):
        found = found.ipv4_mapped or found.sixtofour or found
    return not found.is_global


class Hops:
    """Watches one request from the address given to those that it is redirected to.

    A server out there could have us ask services in here for it, which trust whoever reaches them. What
    counts is the address that the connection has in the end, before anything is sent over it: names can
    lead anywhere. If the address given is itself in here, whoever gave it may go on.
    """

    def __init__(self) -> None:
        self._shown = self._host = self._connects_to = ""
        self._is_redirected = self._may_enter = False

    def go(self, host: str, *, shown: str) -> None:
        """Take the next hop; the first is to the address given.

        Raises
        ------
        DownloadError
            If it leads from the internet to an address in here.
        """
        self._is_redirected = bool(self._host)
        self._host, self._shown = host, shown
        if _is_address(host):  # a proxy would connect to it in our place
            self._check(host)

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Look at each new connection; httpx calls this for the request's extension `trace`."""
        if event.endswith(".connect_tcp.started"):
            self._connects_to = str(info["host"]).strip("[]")
        elif event.endswith(".connect_tcp.complete") and self._connects_to == self._host:  # it is no proxy
            stream = info["return_value"]
            try:
                self._check(stream.get_extra_info("server_addr")[0])
            except DownloadError:
                stream.close()
                raise

    def _check(self, address: str) -> None:
        if not is_inner(address):
            return
        if not self._is_redirected:
            self._may_enter = True
        elif not self._may_enter:
            raise DownloadError(
                f"the address given redirects to {self._shown}, which is {address}: of this machine or its "
                f"own network. If that is what you want, give that address."
            )


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
