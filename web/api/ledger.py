"""The ledger's daily roots, for anybody to keep: what was signed cannot be changed later."""

from fastapi import APIRouter, Response

from traceability.ledger.roots import fingerprint
from web.api.answers import open_to_all
from web.ports import Services


class LedgerPages:
    """Fingerprints of the roots; whose ledgers they sign is not told."""

    def __init__(self, services: Services) -> None:
        self._registry = services.registry

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/api/v1/ledger/roots")(self.roots)
        return routes

    def roots(self) -> Response:
        """Return each day's root: the SHA-256 of what was signed, key, signature."""
        found = [
            {
                "day": one.day,
                "sha256": fingerprint(one.document),
                "key": one.key,
                "signature": one.signature,
            }
            for one in self._registry.ledger_roots()
        ]
        return open_to_all({"roots": found})
