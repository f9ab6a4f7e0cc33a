"""Invoices fetched as files and read back: the words of a PDF line by line, the cells of a CSV row by row."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import httpx
from pypdf import PdfReader

from tests.application import Api
from tests.scenarios.player import Player
from tests.scenarios.statements import of


async def fetch(api: Api, path: str, **headers: str) -> httpx.Response:
    """Get a path with the client's key."""
    return await api.http.get(path, headers={"authorization": f"Bearer {api.key}", **headers})


async def paper(player: Player, number: int) -> str:
    """Give the words of an invoice's PDF."""
    return words((await fetch(player.api, await path_of(player, number))).content)


async def path_of(player: Player, number: int, *, suffix: str = "pdf") -> str:
    """Give the path of an invoice's file."""
    ids = {invoice["number"]: invoice["id"] for invoice in await player.invoices()}
    return f"/invoices/{ids[number]}.{suffix}"


async def collected(player: Player) -> None:
    """Let an hour pass, in which what is due is charged."""
    await player.go_to(player.now + timedelta(hours=1))


def words(content: bytes) -> str:
    """Give the words of all sheets, without the places where long words may break."""
    text = "\n".join(sheet.extract_text() for sheet in PdfReader(io.BytesIO(content)).pages)
    return "\n".join(line.strip() for line in text.replace("\u200b", "").splitlines())


def cells(content: bytes) -> list[dict[str, Any]]:
    """Give the rows of a CSV by the names in its head."""
    return list(csv.DictReader(io.StringIO(content.decode(), newline=""), strict=True))


__all__ = ["cells", "collected", "fetch", "of", "paper", "path_of", "words"]
