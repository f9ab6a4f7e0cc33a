"""An append-only file of lines that survives the death of its process at any instant."""

from collections.abc import Iterator
from pathlib import Path


class Journal:
    """The file, opened for appending.

    A last line without its end is cut off: its writer died before it answered, so nobody was told of it.
    """

    def __init__(self, path: Path) -> None:
        path.touch()
        content = path.read_bytes()
        self._whole = content[: content.rfind(b"\n") + 1]
        # Unbuffered: one write per line, in the system's hands when it returns. A dying machine may still lose it.
        self._file = path.open("r+b", buffering=0)
        self._file.truncate(len(self._whole))
        self._file.seek(0, 2)

    def lines(self) -> Iterator[bytes]:
        """Yield the lines found when the file was opened."""
        yield from self._whole.splitlines()

    def append(self, line: bytes) -> None:
        """Add one line. `line` holds no line break, as JSON never does."""
        self._file.write(line + b"\n")
