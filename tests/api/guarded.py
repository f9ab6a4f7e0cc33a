"""The guard alone, for schemas without callers who pay."""

from __future__ import annotations

from collections.abc import Iterator

from api.guard import MeasuringExtension


class DocumentGuard(MeasuringExtension):
    """Measures documents and lets small ones pass. `lambda: DocumentGuard(limits)` gives a schema other limits."""

    def on_validate(self) -> Iterator[None]:
        """Measure the parsed document ahead of every validation rule."""
        self.measure()
        yield
