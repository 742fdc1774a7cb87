"""The picture of a product that shoppers see: the newest counts, none is ever lost."""

from sqlalchemy import select

from greenwater.storage.registry.models.books import ProductRow
from greenwater.storage.registry.models.core import Person
from greenwater.storage.registry.models.product_pictures import ProductPictureRow
from greenwater.storage.registry.rows import get_row
from greenwater.storage.registry.session import Sessions


class ProductPictures:
    """Mixed into ``Registry``."""

    _sessions: Sessions

    def product_picture(self, gtin: str) -> str | None:
        """Return the SHA-256 of a product's picture; None: it has none."""
        row = ProductPictureRow
        query = (
            select(row.digest)
            .where(row.product == gtin)
            .order_by(row.number.desc())
            .limit(1)
        )
        with self._sessions.reading() as session:
            return session.scalar(query)

    def set_product_picture(
        self, gtin: str, digest: str, *, person: str, at_ms: int
    ) -> None:
        """Give a product another picture; the same again changes nothing.

        Raises:
            MissingError: there is no such product or person.
        """
        if self.product_picture(gtin) == digest:
            return
        with self._sessions.writing() as session:
            product = get_row(session, ProductRow, gtin)
            get_row(session, Person, person)
            session.add(
                ProductPictureRow(
                    organisation=product.organisation,
                    product=gtin,
                    digest=digest,
                    person=person,
                    at_ms=at_ms,
                )
            )
