"""What both ways of asking can do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, TypeVar

from processor.surfaces.api.documents import Answer

Form = Literal["json", "csv"]
Query = Sequence[tuple[str, str]]
"""Names and values, as in an address; see `processor.surfaces.api.parameters`."""
D = TypeVar("D", bound=Answer)


class Questions(Protocol):
    """Asks the API, wherever the answer comes from.

    `path` is below ``/api/v1`` and quoted as in an address. Methods raise InvalidParametersError
    for what cannot be asked, NotFoundError for an id that nothing has, NoAnswerError and
    RefusedError.
    """

    def get(self, kind: type[D], path: str, query: Query = ()) -> D:
        """The answer as a document of `kind`, which is one of those that the endpoint gives."""

    def text(self, path: str, query: Query, form: Form) -> str:
        """The answer as the API writes it, byte for byte."""

    def close(self) -> None:
        """Close what was opened to ask."""
