"""What the agent asks of its instruments and outputs."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from greenwater.kernel.channels import Channel


class Sample(NamedTuple):
    """What one instrument answered at one instant, in canonical units.

    ``values`` holds None where it answered badly. ``is_compensated`` says whether its
    dissolved oxygen is corrected for salinity (None: it has none, or it is not known).
    """

    values: Mapping[Channel, float | None]
    is_compensated: bool | None = None


class Driver(Protocol):
    """One attached instrument."""

    @property
    def warmup_s(self) -> float:
        """How long after ``wake`` the values are good."""
        ...

    def wake(self) -> None:
        """Ask it to start measuring; harmless where it always does.

        Raises:
            UnavailableError: it did not answer.
        """
        ...

    def read(self) -> Sample:
        """Return one value per channel.

        Raises:
            UnavailableError: it did not answer.
        """
        ...


class Output(Protocol):
    """Something that can be switched: an aerator's contactor, a siren."""

    def switch(self, is_on: bool) -> None:
        """Switch and read back.

        Raises:
            UnavailableError: it did not answer, or does not do as told.
        """
        ...
