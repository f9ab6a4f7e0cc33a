"""The golden cases of years, contracts, the programme, cuts and ends (sections 7, 8 and 10), to the cent.

`TERM_GOLDEN` holds the stories by name; `TERM_NUMBERS` says for every golden number of the rule book which story shows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

from tests.domain.golden_story import PRORATIONS, USAGE, Accept, ExpectedLine, Number, Remove, Use
from tests.domain.golden_term_story import (
    ADDITIONAL_USAGE,
    CHANGE,
    FINAL,
    SUBSCRIPTION,
    AddPsp,
    AmendContract,
    BuySeats,
    Cancel,
    EndContract,
    ExpectedInvoice,
    ExtendTrial,
    Migrate,
    Resume,
    SetRenewal,
    SignContract,
    StartEarlyStage,
    StartMonthly,
    StartTrial,
    StartYearly,
    TermGolden,
    Terms,
)


def _on(day: str) -> date:
    return date.fromisoformat(day)


def _month(number: int, year: int = 2026) -> date:
    """Give the first of a month, counted on from January of the year."""
    years, months = divmod(number - 1, 12)
    return date(year + years, months + 1, 1)


def _use(start: date, end: date, cents: int, explanation: str | None = None) -> ExpectedLine:
    return ExpectedLine(USAGE, start, end, cents, explanation)


def _pro(start: str, end: str, cents: int, explanation: str | None = None) -> ExpectedLine:
    return ExpectedLine(PRORATIONS, _on(start), _on(end), cents, explanation)


def _sub(start: date, end: date, cents: int, explanation: str | None = None) -> ExpectedLine:
    return ExpectedLine(SUBSCRIPTION, start, end, cents, explanation)


def _invoice(
    on: date, stream: str, *lines: ExpectedLine, due: int | None = None, balance: int = 0
) -> ExpectedInvoice:
    return ExpectedInvoice(on, stream, lines, due, balance)


def _ahead(number: int, *cents: int, year: int = 2026) -> ExpectedInvoice:
    """Give an invoice of a month ahead and nothing else."""
    start, end = _month(number, year), _month(number + 1, year)
    return _invoice(start, SUBSCRIPTION, *(_sub(start, end, each) for each in cents))


_JAN, _FEB, _JUL, _NEXT_JAN = _month(1), _month(2), _month(7), _month(13)
_THREE_MONTHLY = Terms("ADVANCED", 3, every=1)
_THREE_ADVANCED = tuple(_ahead(number, 297_00) for number in range(1, 13))

_YEARS = (
    TermGolden(
        "seats bought in a term",
        2,
        (StartYearly(_on("2024-04-25"), "ADVANCED", 2), BuySeats(_on("2024-04-29"), 5)),
        (
            _invoice(
                _on("2024-04-25"),
                SUBSCRIPTION,
                _sub(_on("2024-04-25"), _on("2025-04-25"), 2_040_00, "2 seats x $1,020.00 = $2,040.00"),
            ),
            _invoice(
                _on("2024-05-25"),
                ADDITIONAL_USAGE,
                _pro("2024-04-29", "2025-04-25", 5_044_11, "5 seats x $1,020.00 x 361/365 days = $5,044.11"),
                _pro(
                    "2024-04-29", "2025-04-25", -2_017_64, "-2 seats x $1,020.00 x 361/365 days = -$2,017.64"
                ),
            ),
            _invoice(_on("2025-04-25"), SUBSCRIPTION, _sub(_on("2025-04-25"), _on("2026-04-25"), 5_100_00)),
        ),
        through=_on("2025-04-25"),
    ),
    TermGolden(
        "seats bought and invoiced at once",
        2,
        (StartYearly(_on("2024-04-25"), "ADVANCED", 2), BuySeats(_on("2024-04-29"), 5, invoice_now=True)),
        (
            _invoice(_on("2024-04-25"), SUBSCRIPTION, _sub(_on("2024-04-25"), _on("2025-04-25"), 2_040_00)),
            _invoice(
                _on("2024-04-29"),
                CHANGE,
                _pro("2024-04-29", "2025-04-25", 5_044_11),
                _pro("2024-04-29", "2025-04-25", -2_017_64),
            ),
        ),
        through=_on("2024-12-25"),
    ),
    TermGolden(
        "seats above those purchased",
        2,
        (
            StartYearly(_JAN, "ADVANCED", 2),
            Accept(_on("2026-06-10")),
            Accept(_on("2026-06-15")),
            BuySeats(_on("2026-06-20"), 3),
        ),
        (
            _invoice(_JAN, SUBSCRIPTION, _sub(_JAN, _NEXT_JAN, 2_040_00)),
            _invoice(
                _JUL,
                ADDITIONAL_USAGE,
                _use(_on("2026-06-10"), _on("2026-06-15"), 16_50, "1 seat x $99.00 x 5/30 days = $16.50"),
                _use(_on("2026-06-15"), _on("2026-06-20"), 33_00, "2 seats x $99.00 x 5/30 days = $33.00"),
                _use(_on("2026-06-20"), _JUL, 36_30, "1 seat x $99.00 x 11/30 days = $36.30"),
                _pro("2026-06-20", "2027-01-01", 1_634_79, "3 seats x $1,020.00 x 195/365 days = $1,634.79"),
                _pro("2026-06-20", "2027-01-01", -1_089_86),
            ),
        ),
        through=_JUL,
    ),
    TermGolden(
        "the add-on with the term",
        1,
        (StartYearly(_JAN, "ESSENTIAL", 1, psp=True),),
        (_invoice(_JAN, SUBSCRIPTION, _sub(_JAN, _NEXT_JAN, 348_00), _sub(_JAN, _NEXT_JAN, 1_188_00)),),
        through=_month(12),
    ),
    TermGolden(
        "the add-on in the middle of a month of a term",
        1,
        (StartYearly(_JAN, "ESSENTIAL", 1), AddPsp(_on("2026-08-10"))),
        (
            _invoice(_JAN, SUBSCRIPTION, _sub(_JAN, _NEXT_JAN, 348_00)),
            _invoice(
                _month(9),
                ADDITIONAL_USAGE,
                _pro("2026-08-10", "2027-01-01", 466_26, "$99.00 x (4 months + 22/31 days) = $466.26"),
            ),
        ),
        through=_month(12),
    ),
    TermGolden(
        "the add-on on a month boundary of a term",
        1,
        (StartYearly(_JAN, "ESSENTIAL", 1), AddPsp(_on("2026-08-01"), invoice_now=True)),
        (
            _invoice(_JAN, SUBSCRIPTION, _sub(_JAN, _NEXT_JAN, 348_00)),
            _invoice(_month(8), CHANGE, _pro("2026-08-01", "2027-01-01", 495_00)),
        ),
        through=_month(12),
    ),
    TermGolden(
        "a renewal with reductions",
        3,
        (
            StartYearly(_JAN, "ADVANCED", 5, psp=True),
            SetRenewal(_on("2026-02-01"), seats=2, monthly=True),
            SetRenewal(_on("2026-03-01"), seats=2, plan="ESSENTIAL", psp=False),
            Use(_on("2026-12-31"), "SMS_SEGMENT", 100, "text"),
        ),
        (
            _invoice(_JAN, SUBSCRIPTION, _sub(_JAN, _NEXT_JAN, 5_100_00), _sub(_JAN, _NEXT_JAN, 1_188_00)),
            _invoice(_NEXT_JAN, ADDITIONAL_USAGE, _use(_month(12), _NEXT_JAN, 6_00)),
            _invoice(_NEXT_JAN, SUBSCRIPTION, _sub(_NEXT_JAN, _month(25), 696_00)),
            _invoice(
                _month(14), ADDITIONAL_USAGE, _use(_NEXT_JAN, _month(14), 39_00, "1 seat x $39.00 = $39.00")
            ),
        ),
        through=_month(14),
    ),
    TermGolden(
        "yearly to monthly at the renewal",
        3,
        (StartYearly(_JAN, "ADVANCED", 5, psp=True), SetRenewal(_on("2026-02-01"), monthly=True)),
        (
            _invoice(_JAN, SUBSCRIPTION, _sub(_JAN, _NEXT_JAN, 5_100_00), _sub(_JAN, _NEXT_JAN, 1_188_00)),
            _ahead(13, 297_00, 99_00),
            _ahead(14, 297_00, 99_00),
        ),
        through=_month(14),
    ),
    TermGolden(
        "a yearly subscription cancelled",
        2,
        (
            StartYearly(_JAN, "ADVANCED", 2),
            Cancel(_on("2026-12-10")),
            Accept(_on("2026-12-17")),
            Use(_on("2027-01-09"), "BULK_EMAIL", 100, "late", used_on=_on("2026-12-20")),
        ),
        (
            _invoice(_JAN, SUBSCRIPTION, _sub(_JAN, _NEXT_JAN, 2_040_00)),
            _invoice(_NEXT_JAN, FINAL, _use(_on("2026-12-17"), _NEXT_JAN, 47_90)),
            _invoice(_month(14), FINAL, _use(_month(12), _NEXT_JAN, 4_00)),
        ),
        through=_month(15),
    ),
)

_EARLY_STAGE = (
    TermGolden(
        "Early Stage over its years and after",
        7,
        (
            StartEarlyStage(_JAN),
            Use(_on("2026-01-10"), "MESSAGES_SENT", 3_000, "first"),
            Use(_on("2026-01-10"), "SMS_SEGMENT", 1_000, "text"),
            Use(_on("2027-01-10"), "MESSAGES_SENT", 3_000, "second"),
            Use(_on("2028-01-10"), "MESSAGES_SENT", 3_000, "third"),
            Use(_on("2029-01-10"), "MESSAGES_SENT", 3_000, "list"),
        ),
        (
            _ahead(1, 6_93, 65_00),
            _invoice(
                _FEB,
                SUBSCRIPTION,
                _use(
                    _JAN,
                    _FEB,
                    10_15,
                    "(500 x $0.00 + 500 x $0.07 + 1,000 x $0.06 + 1,000 x $0.05) x 7 % = $10.15",
                ),
                _use(_JAN, _FEB, 45_00),
                _sub(_FEB, _month(3), 6_93),
                _sub(_FEB, _month(3), 65_00),
            ),
            *(_ahead(number, 6_93, 65_00) for number in range(3, 13)),
            _ahead(13, 49_50, 451_50),
            _invoice(
                _month(14),
                SUBSCRIPTION,
                _use(_month(13), _month(14), 72_50),
                _sub(_month(14), _month(15), 49_50),
                _sub(_month(14), _month(15), 451_50),
            ),
            *(_ahead(number, 49_50, 451_50) for number in range(15, 25)),
            _ahead(25, 74_25, 677_25),
            _invoice(
                _month(26),
                SUBSCRIPTION,
                _use(_month(25), _month(26), 108_75),
                _sub(_month(26), _month(27), 74_25),
                _sub(_month(26), _month(27), 677_25),
            ),
            *(_ahead(number, 74_25, 677_25) for number in range(27, 37)),
            _ahead(37, 693_00, 99_00),
            _invoice(
                _month(38),
                SUBSCRIPTION,
                _use(_month(37), _month(38), 145_00),
                _sub(_month(38), _month(39), 693_00),
                _sub(_month(38), _month(39), 99_00),
            ),
        ),
        through=_month(38),
    ),
    TermGolden(
        "Early Stage seats come and go",
        6,
        (StartEarlyStage(_JAN), Accept(_on("2026-01-17"), 2), Remove(_on("2026-02-15"), 5)),
        (
            _ahead(1, 65_00),
            _invoice(
                _FEB,
                SUBSCRIPTION,
                _pro("2026-01-17", "2026-02-01", 6_71, "2 seats x $6.93 x 15/31 days = $6.71"),
                _sub(_FEB, _month(3), 13_86),
                _sub(_FEB, _month(3), 65_00),
            ),
            _invoice(
                _month(3),
                SUBSCRIPTION,
                _pro("2026-02-15", "2026-03-01", -6_93),
                _sub(_month(3), _month(4), 65_00),
            ),
        ),
        through=_month(3),
    ),
)

_CONTRACTS = (
    TermGolden(
        "a contract paid by the year",
        10,
        (SignContract(_JAN, Terms("ESSENTIAL", 10)),),
        (
            _invoice(
                _JAN,
                SUBSCRIPTION,
                _sub(_JAN, _NEXT_JAN, 4_680_00, "10 seats x $39.00 x 12 months = $4,680.00"),
            ),
        ),
        through=_month(12),
    ),
    TermGolden(
        "usage of a contract",
        3,
        (SignContract(_JAN, Terms("ADVANCED", 3)), Use(_on("2026-08-10"), "BULK_EMAIL", 10_000, "email")),
        (
            _invoice(_JAN, SUBSCRIPTION, _sub(_JAN, _NEXT_JAN, 3_564_00)),
            _invoice(_month(9), ADDITIONAL_USAGE, _use(_month(8), _month(9), 254_00)),
        ),
        through=_month(12),
    ),
    TermGolden(
        "seats above a commitment from a month's first day",
        3,
        (SignContract(_JAN, _THREE_MONTHLY), Accept(_month(11), 2)),
        (
            *_THREE_ADVANCED[:11],
            _invoice(
                _month(12),
                ADDITIONAL_USAGE,
                _use(_month(11), _month(12), 198_00, "2 seats x $99.00 = $198.00"),
                _use(_month(12), _NEXT_JAN, 198_00),
            ),
            _THREE_ADVANCED[11],
        ),
        through=_month(12),
    ),
    TermGolden(
        "seats above a commitment from the middle of a month",
        3,
        (SignContract(_JAN, _THREE_MONTHLY), Accept(_on("2026-11-10"), 2)),
        (
            *_THREE_ADVANCED[:11],
            _invoice(
                _month(12),
                ADDITIONAL_USAGE,
                _use(_on("2026-11-10"), _month(12), 138_60, "2 seats x $99.00 x 21/30 days = $138.60"),
                _use(_month(12), _NEXT_JAN, 198_00),
            ),
            _THREE_ADVANCED[11],
        ),
        through=_month(12),
    ),
    TermGolden(
        "seats above a commitment come and go",
        3,
        (
            SignContract(_JAN, _THREE_MONTHLY),
            Accept(_on("2026-09-10")),
            Accept(_on("2026-09-15")),
            Remove(_on("2026-09-25")),
            Remove(_on("2026-10-11")),
        ),
        (
            *_THREE_ADVANCED[:9],
            _invoice(
                _month(10),
                ADDITIONAL_USAGE,
                _use(_on("2026-09-10"), _month(10), 69_30),
                _use(_on("2026-09-15"), _month(10), 105_60),
                _use(_on("2026-09-15"), _month(10), -52_80),
                _use(_on("2026-09-25"), _month(10), 19_80),
                _use(_on("2026-09-25"), _month(10), -39_60),
                _use(_month(10), _month(11), 99_00),
            ),
            _THREE_ADVANCED[9],
            _invoice(
                _month(11),
                ADDITIONAL_USAGE,
                _use(_on("2026-10-11"), _month(11), -67_06, "-1 seat x $99.00 x 21/31 days = -$67.06"),
                due=0,
                balance=67_06,
            ),
            _invoice(_month(11), SUBSCRIPTION, _sub(_month(11), _month(12), 297_00), due=229_94),
        ),
        through=_month(11),
    ),
    TermGolden(
        "the add-on in a contract",
        3,
        (
            SignContract(
                _JAN,
                Terms("ADVANCED", 3, psp_from=_on("2026-08-10"), psp_until=_NEXT_JAN),
            ),
        ),
        (
            _invoice(
                _JAN,
                SUBSCRIPTION,
                _sub(_JAN, _NEXT_JAN, 3_564_00),
                _sub(_on("2026-08-10"), _NEXT_JAN, 466_26, "$99.00 x (4 months + 22/31 month) = $466.26"),
            ),
        ),
        through=_month(12),
    ),
    TermGolden(
        "messages committed to",
        1,
        (
            SignContract(
                _JAN, Terms("ADVANCED", 1, every=3, usage=(("MESSAGES_SENT", 2_000),), psp_from=_JAN)
            ),
            Use(_on("2026-01-10"), "MESSAGES_SENT", 3_000, "many"),
            Use(_on("2026-02-10"), "MESSAGES_SENT", 1_500, "few"),
        ),
        (
            _invoice(
                _JAN,
                SUBSCRIPTION,
                _sub(_JAN, _month(4), 297_00),
                _sub(_JAN, _month(4), 285_00, "$95.00 x 3 months = $285.00"),
                _sub(_JAN, _month(4), 297_00),
            ),
            _invoice(
                _FEB,
                ADDITIONAL_USAGE,
                _use(
                    _JAN,
                    _FEB,
                    50_00,
                    "(500 x $0.00 + 500 x $0.07 + 1,000 x $0.06 + 1,000 x $0.05) - committed "
                    "(500 x $0.00 + 500 x $0.07 + 1,000 x $0.06) = $50.00",
                ),
            ),
        ),
        through=_month(3),
    ),
    TermGolden(
        "an amendment in a quarter",
        4,
        (
            SignContract(_JAN, Terms("ADVANCED", 3, every=3, usage=(("BULK_EMAIL", 500),))),
            AmendContract(_on("2026-02-15"), Terms("ADVANCED", 4, every=3, usage=(("BULK_EMAIL", 10_000),))),
            EndContract(_on("2026-12-01")),
        ),
        (
            _invoice(_JAN, ADDITIONAL_USAGE, _use(_JAN, _FEB, 99_00)),
            _invoice(
                _JAN,
                SUBSCRIPTION,
                _sub(_JAN, _month(4), 891_00),
                _sub(_JAN, _month(4), 60_00, "$20.00 x 3 months = $60.00"),
            ),
            _invoice(_FEB, ADDITIONAL_USAGE, _use(_FEB, _month(3), 99_00)),
            _invoice(
                _month(3),
                ADDITIONAL_USAGE,
                _use(_on("2026-02-15"), _month(3), -49_50),
                due=0,
                balance=49_50,
            ),
            _invoice(
                _month(4),
                SUBSCRIPTION,
                _pro("2026-02-15", "2026-04-01", 594_00, "4 seats x $297.00 x 45/90 days = $594.00"),
                _pro("2026-02-15", "2026-04-01", -445_50),
                _pro("2026-03-01", "2026-04-01", 262_47, "$254.00 x 3 months x 31/90 days = $262.47"),
                _pro("2026-03-01", "2026-04-01", -20_67),
                _sub(_month(4), _month(7), 1_188_00),
                _sub(_month(4), _month(7), 762_00),
                due=2_290_80,
            ),
            _invoice(
                _month(7),
                SUBSCRIPTION,
                _sub(_month(7), _month(10), 1_188_00),
                _sub(_month(7), _month(10), 762_00),
            ),
            _invoice(
                _month(10),
                SUBSCRIPTION,
                _sub(_month(10), _NEXT_JAN, 1_188_00),
                _sub(_month(10), _NEXT_JAN, 762_00),
            ),
        ),
        through=_month(14),
    ),
    TermGolden(
        "a contract ends with one final invoice",
        3,
        (
            SignContract(_JAN, Terms("ADVANCED", 3, months=3, every=3)),
            EndContract(_on("2026-02-01")),
            AmendContract(_on("2026-03-02"), Terms("ADVANCED", 4, months=3, every=3)),
            Use(_on("2026-03-10"), "BULK_EMAIL", 500, "email"),
        ),
        (
            _invoice(_JAN, SUBSCRIPTION, _sub(_JAN, _month(4), 891_00)),
            _invoice(
                _month(4),
                FINAL,
                _use(_month(3), _month(4), 20_00),
                _pro("2026-03-02", "2026-04-01", 396_00),
                _pro("2026-03-02", "2026-04-01", -297_00),
            ),
        ),
        through=_month(6),
    ),
    TermGolden(
        "a contract over a year credits what was prepaid",
        5,
        (
            StartYearly(_JAN, "ADVANCED", 5, psp=True),
            SignContract(_JUL, Terms("ADVANCED", 3, every=3)),
        ),
        (
            _invoice(_JAN, SUBSCRIPTION, _sub(_JAN, _NEXT_JAN, 5_100_00), _sub(_JAN, _NEXT_JAN, 1_188_00)),
            _invoice(
                _JUL,
                SUBSCRIPTION,
                _use(_JUL, _month(8), 198_00),
                _pro("2026-07-01", "2027-01-01", -2_570_96),
                _pro("2026-07-01", "2027-01-01", -598_88, "-$1,188.00 x 184/365 days = -$598.88"),
                _sub(_JUL, _month(10), 891_00),
                due=0,
                balance=2_080_84,
            ),
        ),
        through=_JUL,
    ),
)

_CUTS = (
    TermGolden(
        "monthly to yearly",
        6,
        (StartMonthly(_month(10), "ESSENTIAL"), StartYearly(_on("2026-10-20"), "ESSENTIAL", 6)),
        (
            _ahead(10, 234_00),
            _invoice(
                _on("2026-10-20"),
                SUBSCRIPTION,
                _pro("2026-10-20", "2026-11-01", -90_58, "-6 seats x $39.00 x 12/31 days = -$90.58"),
                _sub(_on("2026-10-20"), _on("2027-10-20"), 2_088_00),
            ),
        ),
        through=_month(13),
    ),
    TermGolden(
        "a price book's migration",
        2,
        (
            StartMonthly(_month(9), "ESSENTIAL"),
            Use(_on("2026-09-10"), "BULK_EMAIL", 2_000, "before"),
            Migrate(_on("2026-09-12"), on=_on("2026-09-16")),
            Use(_on("2026-09-16"), "BULK_EMAIL", 2_000, "after"),
            Use(_on("2026-10-03"), "BULK_EMAIL", 500, "late", used_on=_on("2026-09-10")),
        ),
        (
            _ahead(9, 78_00),
            _invoice(
                _on("2026-09-16"),
                FINAL,
                _use(_month(9), _on("2026-09-16"), 63_00),
                _pro("2026-09-16", "2026-10-01", -39_00),
            ),
            _invoice(
                _on("2026-09-16"),
                SUBSCRIPTION,
                _sub(_on("2026-09-16"), _month(10), 45_00, "2 seats x $45.00 x 15/30 days = $45.00"),
            ),
            _invoice(
                _month(10),
                SUBSCRIPTION,
                _use(_on("2026-09-16"), _month(10), 63_00),
                _sub(_month(10), _month(11), 90_00),
            ),
            _invoice(
                _month(11),
                SUBSCRIPTION,
                _use(_month(9), _on("2026-09-16"), 14_00),
                _sub(_month(11), _month(12), 90_00),
            ),
        ),
        through=_month(11),
    ),
    TermGolden(
        "a migration at once",
        2,
        (StartMonthly(_month(9), "ESSENTIAL"), Migrate(_on("2026-09-16"))),
        (
            _ahead(9, 78_00),
            _invoice(
                _on("2026-09-16"),
                FINAL,
                _pro("2026-09-16", "2026-10-01", -39_00),
                due=0,
                balance=39_00,
            ),
            _invoice(_on("2026-09-16"), SUBSCRIPTION, _sub(_on("2026-09-16"), _month(10), 45_00), due=6_00),
            _ahead(10, 90_00),
        ),
        through=_month(10),
    ),
    TermGolden(
        "a migration of a term comes with its renewal",
        2,
        (StartYearly(_JAN, "ESSENTIAL", 2), Migrate(_on("2026-09-16"), on=_NEXT_JAN)),
        (
            _invoice(_JAN, SUBSCRIPTION, _sub(_JAN, _NEXT_JAN, 696_00)),
            _invoice(_NEXT_JAN, SUBSCRIPTION, _sub(_NEXT_JAN, _month(25), 800_00)),
        ),
        through=_NEXT_JAN,
    ),
)

_ENDS = (
    TermGolden(
        "cancelled, with facts after the end",
        1,
        (
            StartMonthly(_month(9), "ESSENTIAL"),
            Cancel(_on("2026-09-05")),
            Resume(_on("2026-09-06")),
            Cancel(_on("2026-09-10")),
            Accept(_on("2026-09-16")),
            Use(_on("2026-10-03"), "BULK_EMAIL", 500, "late", used_on=_on("2026-09-10")),
        ),
        (
            _ahead(9, 39_00),
            _invoice(
                _month(10),
                FINAL,
                _pro("2026-09-16", "2026-10-01", 39_00),
                _pro("2026-09-16", "2026-10-01", -19_50),
            ),
            _invoice(_month(11), FINAL, _use(_month(9), _month(10), 20_00)),
        ),
        through=_month(13),
    ),
    TermGolden(
        "an extended trial",
        3,
        (
            StartTrial(_month(9), "ESSENTIAL", convert_to="ESSENTIAL"),
            ExtendTrial(_on("2026-09-10")),
            Use(_on("2026-09-21"), "BULK_EMAIL", 700, "free"),
            Use(_on("2026-09-22"), "BULK_EMAIL", 300, "paid"),
        ),
        (
            _invoice(_on("2026-09-22"), SUBSCRIPTION, _sub(_on("2026-09-22"), _on("2026-10-22"), 117_00)),
            _invoice(
                _on("2026-10-22"),
                SUBSCRIPTION,
                _use(_on("2026-09-22"), _on("2026-10-22"), 12_00),
                _sub(_on("2026-10-22"), _on("2026-11-22"), 117_00),
            ),
        ),
        through=_on("2026-10-22"),
    ),
    TermGolden(
        "a trial that does not wait for its end",
        3,
        (StartTrial(_month(9), "EXPERT"), StartMonthly(_on("2026-09-05"), "ESSENTIAL", psp=True)),
        (
            _invoice(
                _on("2026-09-05"),
                SUBSCRIPTION,
                _sub(_on("2026-09-05"), _on("2026-10-05"), 117_00),
                _sub(_on("2026-09-05"), _on("2026-10-05"), 99_00),
            ),
        ),
        through=_month(10),
    ),
    TermGolden(
        "a trial ends by itself",
        3,
        (StartTrial(_month(9), "EXPERT"),),
        (),
        through=_month(12),
    ),
)

_STORIES = (*_YEARS, *_EARLY_STAGE, *_CONTRACTS, *_CUTS, *_ENDS)

TERM_GOLDEN: Mapping[str, TermGolden] = MappingProxyType({golden.name: golden for golden in _STORIES})

TERM_NUMBERS: tuple[Number, ...] = tuple(
    Number(section, golden, cents)
    for section, golden, amounts in (
        (7, "seats bought in a term", (2_040_00, 5_044_11, -2_017_64, 3_026_47)),
        (7, "seats bought and invoiced at once", (3_026_47,)),
        (7, "seats above those purchased", (16_50, 33_00, 36_30, 1_634_79, -1_089_86, 630_73)),
        (7, "the add-on with the term", (1_188_00,)),
        (7, "the add-on in the middle of a month of a term", (466_26,)),
        (7, "the add-on on a month boundary of a term", (495_00,)),
        (7, "Early Stage over its years and after", (65_00, 451_50, 677_25, 6_93, 49_50, 74_25, 10_15)),
        (8, "a contract paid by the year", (4_680_00,)),
        (8, "usage of a contract", (3_564_00, 254_00)),
        (8, "seats above a commitment from a month's first day", (297_00, 198_00)),
        (8, "seats above a commitment from the middle of a month", (138_60,)),
        (
            8,
            "seats above a commitment come and go",
            (69_30, 105_60, -52_80, 19_80, -39_60, 99_00, 201_30, -67_06, 297_00, 229_94),
        ),
        (8, "messages committed to", (50_00,)),
        (8, "the add-on in a contract", (466_26,)),
        (10, "an extended trial", (117_00, 12_00)),
        (10, "monthly to yearly", (-90_58, 2_088_00, 1_997_42)),
        (10, "a price book's migration", (63_00, -39_00, 24_00, 45_00, 153_00, 14_00)),
    )
    for cents in amounts
)
