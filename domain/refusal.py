"""A "no" of the rules is a value with a name, facts and a sentence that says what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(eq=False)
class Refusal(Exception):
    """Base of every refusal; subclasses are dataclasses whose fields fill `template`."""

    template: ClassVar[str] = ""

    @property
    def message(self) -> str:
        """The sentence shown to the caller."""
        return self.template.format(**vars(self))

    def __str__(self) -> str:
        """Return the message, so that logs and tracebacks read well."""
        return self.message
