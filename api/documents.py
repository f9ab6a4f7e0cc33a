"""An invoice as a file: the PDF that a finance team files, and its lines as CSV.

Whoever may see an invoice in GraphQL may fetch its files, with the same key; what is another's looks like nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Final, TypeAlias

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from adapters import pdf
from adapters.tables.invoices import InvoiceLine
from api.authority import require
from api.context import Context
from api.errors import not_found
from api.exports import Exports, usage_csv
from api.files import file_headers, is_known
from api.nodes import reached
from api.permissions import NODES
from api.rates import EXPORT_POINTS, FILE_POINTS
from api.scalars import format_unit_price, money
from api.sheets import MEDIA_TYPE, Cell, sheet
from domain.calendar import ONE_DAY
from services.documents import InvoiceDocument, load_invoice
from services.invoicepages import Seller, page
from services.invoices import UnknownInvoice

COLUMNS: Final = (
    *("invoice", "invoice_date", "line", "section", "description", "service_from", "service_to"),
    *("quantity", "unit_price", "amount", "currency", "is_adjustment", "change", "explanation"),
)

ContextOf: TypeAlias = Callable[[Request], Awaitable[Context]]


def document_routes(context_of: ContextOf, *, seller: Seller, exports: Exports) -> list[BaseRoute]:
    """Give the routes of all files."""

    async def paid_context(request: Request, points: int) -> Context:
        context = await context_of(request)
        await context.allowance.charge(points)
        return context

    async def as_pdf(request: Request) -> Response:
        return await _invoice_pdf(request, await paid_context(request, FILE_POINTS), seller=seller)

    async def as_csv(request: Request) -> Response:
        return await _invoice_csv(request, await paid_context(request, FILE_POINTS))

    async def usage_as_csv(request: Request) -> Response:
        return await usage_csv(request, await paid_context(request, EXPORT_POINTS), exports=exports)

    return [
        Route("/invoices/{id}.pdf", as_pdf),
        Route("/invoices/{id}.csv", as_csv),
        Route("/accounts/{id}/usage.csv", usage_as_csv),
    ]


async def _invoice_pdf(request: Request, context: Context, *, seller: Seller) -> Response:
    document = await _document(request, context)
    words = page(document, seller=seller)
    headers = _headers(document, "pdf", is_shown=True)
    headers["etag"] = f'"{pdf.fingerprint(words)}"'
    if is_known(request, headers["etag"]):
        return Response(status_code=304, headers=headers)
    return Response(await pdf.render(words), headers=headers, media_type="application/pdf")


async def _invoice_csv(request: Request, context: Context) -> Response:
    document = await _document(request, context)
    content = sheet([COLUMNS, *(_cells(document, line) for line in document.lines)])
    return Response(content, headers=_headers(document, "csv"), media_type=MEDIA_TYPE)


async def _document(request: Request, context: Context) -> InvoiceDocument:
    found = reached(context.caller, request.path_params["id"], "Invoice")
    if found is None:
        raise not_found(UnknownInvoice().message)
    account_id, invoice_id = found
    require(context.caller, NODES["Invoice"], (account_id, None))
    async with context.sessions() as session:
        try:
            return await load_invoice(
                session, account_id=account_id, invoice_id=invoice_id, wall=context.wall
            )
        except UnknownInvoice as refusal:
            raise not_found(refusal.message) from refusal


def _headers(document: InvoiceDocument, suffix: str, *, is_shown: bool = False) -> dict[str, str]:
    rest = f"invoice-{document.invoice.number}.{suffix}"
    return file_headers(document.account.row.name, rest, is_shown=is_shown)


def _cells(document: InvoiceDocument, line: InvoiceLine) -> tuple[Cell, ...]:
    """Give a line's cells; days are first and last, as people count."""
    return (
        document.invoice.number,
        document.invoice.invoice_on,
        line.position,
        line.section,
        line.description,
        line.service_start,
        line.service_end - ONE_DAY,
        line.quantity,
        None if line.unit_price is None else Decimal(format_unit_price(line.unit_price)),
        money(line.amount_cents).amount,
        document.invoice.currency,
        "true" if line.is_adjustment else "false",
        line.change_key,
        line.explanation,
    )
