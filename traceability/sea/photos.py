"""Photos on the records of a vessel's book; how they are drawn and kept is the farm's."""

from greenwater.kernel.errors import MissingError
from greenwater.storage.registry import Registry
from greenwater.storage.registry.photos import Photo
from traceability.book.photos import MOST, Album, Picture
from traceability.sea.crew import may_write


def add_sea_photo(
    registry: Registry, album: Album, person: str, record: str, picture: Picture
) -> Photo:
    """Put a photo on a record of a vessel's book; the same again changes nothing.

    Who may enter a record of that kind may add photos to it.

    Raises:
        ConflictError: the record has as many as it may have.
        MissingError: there is no such record, or he does not write in that book.
    """
    found = registry.get_vessel_record(record)
    if not may_write(registry, person, found.kind, found.organisation):
        raise MissingError(f"{person} does not write for {found.organisation}")
    photo = album.kept(person, record, picture)
    registry.add_vessel_photo(photo, most=MOST)
    return photo
