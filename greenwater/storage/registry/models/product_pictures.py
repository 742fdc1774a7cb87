"""Pictures of products that shoppers see. Rows never change."""

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from greenwater.storage.registry.models.core import Base, Number, Tenanted, within


class ProductPictureRow(Tenanted, Base):
    """A picture of a product, from ``at_ms`` until its next row.

    ``digest`` is the SHA-256 of the kept JPEG.
    """

    __tablename__ = "product_picture"
    __table_args__ = (
        within("organisation", "product", of="product"),
        Index("ix_product_picture_product", "product", "number"),
    )
    number: Mapped[int] = mapped_column(Number, primary_key=True)
    product: Mapped[str]
    digest: Mapped[str]
    person: Mapped[str] = mapped_column(ForeignKey("person.id"))
    at_ms: Mapped[int]
