"""How people prove who they are: PINs, passwords, sessions."""

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from greenwater.storage.registry.models.core import Base


class AccountRow(Base):
    """What a person signs in with, hashed; and the wrong tries since the last right one."""

    __tablename__ = "account"
    person: Mapped[str] = mapped_column(ForeignKey("person.id"), primary_key=True)
    secret_hash: Mapped[str | None]
    is_pin: Mapped[bool]
    failures: Mapped[int]
    locked_until_ms: Mapped[int]


class SessionRow(Base):
    """A signed-in browser; only its token's hash is kept.

    ``stage`` says whether the second factor is still owed; ``agent`` is a coarse word
    for the browser, ``seen_ms`` when it was last there, ``idle_ms`` how long it may be
    away before it is over (None: until it expires).
    """

    __tablename__ = "session"
    token_hash: Mapped[str] = mapped_column(primary_key=True)
    person: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    created_ms: Mapped[int]
    expires_ms: Mapped[int]
    stage: Mapped[str] = mapped_column(server_default="whole")
    agent: Mapped[str] = mapped_column(server_default="")
    seen_ms: Mapped[int] = mapped_column(server_default="0")
    idle_ms: Mapped[int | None]
