"""The golden cases of the rule book, to the cent: stories by name, usage prices, and which golden number stands where.

`GOLDEN` holds the stories by name, told in the words of `golden_story`; `RATES` the usage prices; `NUMBERS` says for
every golden number of the rule book which story shows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

from tests.domain.golden_story import (
    PRORATIONS,
    SUBSCRIPTION,
    USAGE,
    Accept,
    AddPsp,
    ChangePlan,
    ExpectedInvoice,
    ExpectedLine,
    Golden,
    Number,
    Rate,
    Remove,
    RemovePsp,
    Step,
    TakeBack,
    Use,
)

__all__ = [
    "GOLDEN",
    "NUMBERS",
    "PRORATIONS",
    "RATES",
    "SUBSCRIPTION",
    "USAGE",
    "Accept",
    "AddPsp",
    "ChangePlan",
    "ExpectedInvoice",
    "ExpectedLine",
    "Golden",
    "Number",
    "Rate",
    "Remove",
    "RemovePsp",
    "Step",
    "TakeBack",
    "Use",
]


def _on(month: int, day: int = 1, year: int = 2026) -> date:
    return date(year, month, day)


@dataclass(frozen=True, slots=True)
class _Month:
    """Lines of the monthly periods of 2026 that begin on the first."""

    month: int
    start: date = field(init=False)
    end: date = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", _on(self.month))
        object.__setattr__(self, "end", _on(self.month + 1))

    def pro(self, day: int, cents: int, explanation: str | None = None) -> ExpectedLine:
        return ExpectedLine(PRORATIONS, _on(self.month, day), self.end, cents, explanation)

    def sub(self, cents: int, explanation: str | None = None) -> ExpectedLine:
        return ExpectedLine(SUBSCRIPTION, self.start, self.end, cents, explanation)

    def use(self, cents: int, explanation: str | None = None) -> ExpectedLine:
        return ExpectedLine(USAGE, self.start, self.end, cents, explanation)

    def first(self, *lines: ExpectedLine) -> ExpectedInvoice:
        """Give the invoice issued as the month opens."""
        return _invoice(self.start, *lines)


def _invoice(
    on: date, *lines: ExpectedLine, due_cents: int | None = None, balance_cents: int = 0
) -> ExpectedInvoice:
    sections: dict[str, int] = {}
    for line in lines:
        sections[line.section] = sections.get(line.section, 0) + line.cents
    total = sum(line.cents for line in lines)
    return ExpectedInvoice(on, total, MappingProxyType(sections), lines, due_cents, balance_cents)


_SEP, _OCT, _NOV, _DEC_1 = _Month(9), _Month(10), _Month(11), date(2026, 12, 1)
_ONE = _SEP.first(_SEP.sub(39_00, "1 seat x $39.00 = $39.00"))
_THREE = _SEP.first(_SEP.sub(117_00))
_UPGRADED = (_SEP.pro(15, 158_40, "3 seats x $99.00 x 16/30 days = $158.40"), _SEP.pro(15, -62_40))
_ONE_TO_SIX = (
    _SEP.pro(15, 124_80, "6 seats x $39.00 x 16/30 days = $124.80"),
    _SEP.pro(15, -20_80, "-1 seat x $39.00 x 16/30 days = -$20.80"),
)

_STORIES = (
    Golden("an Essential seat", _on(9), (_ONE,)),
    Golden("an Advanced seat", _on(9), (_SEP.first(_SEP.sub(99_00)),), plan="ADVANCED"),
    Golden("an Expert seat", _on(9), (_SEP.first(_SEP.sub(139_00)),), plan="EXPERT"),
    Golden(
        "the add-on from the start",
        _on(9),
        (_SEP.first(_SEP.sub(39_00), _SEP.sub(99_00, "1 x $99.00 = $99.00")),),
        psp=True,
    ),
    Golden("nobody holds a seat", _on(9), (_ONE,), seats=0),
    Golden(
        "two calls",
        _on(9),
        (_ONE, _OCT.first(_SEP.use(12, "4 x $0.03 = $0.12"), _OCT.sub(39_00))),
        (Use(_on(9, 10), "PHONE_MINUTE", 155, "long"), Use(_on(9, 10), "PHONE_MINUTE", 60, "short")),
    ),
    Golden(
        "usage of every metric",
        _on(9),
        (
            _SEP.first(_SEP.sub(39_00), _SEP.sub(99_00)),
            _OCT.first(
                _SEP.use(
                    145_00,
                    "500 x $0.00 + 500 x $0.07 + 1,000 x $0.06 + 1,000 x $0.05 = $145.00",
                ),
                _SEP.use(
                    254_00,
                    "500 x $0.04 + 500 x $0.03 + 3,000 x $0.028 + 3,000 x $0.025 + 3,000 x $0.02 = $254.00",
                ),
                _SEP.use(232_50),
                _SEP.use(862_50),
                _SEP.use(3),
                _SEP.use(99, "1 x $0.99 = $0.99"),
                _OCT.sub(39_00),
                _OCT.sub(99_00),
            ),
        ),
        (
            Use(_on(9, 2), "MESSAGES_SENT", 1_500, "message", times=2),
            Use(_on(9, 3), "BULK_EMAIL", 10_000, "email"),
            Use(_on(9, 4), "SMS_SEGMENT", 10_000, "sms"),
            Use(_on(9, 5), "WHATSAPP_SENT", 10_000, "whatsapp"),
            Use(_on(9, 6), "PHONE_MINUTE", 1, "call"),
            Use(_on(9, 30), "FIN_RESOLUTION", 1, "fin"),
        ),
        psp=True,
    ),
    Golden(
        "one to six seats",
        _on(9),
        (_ONE, _OCT.first(*_ONE_TO_SIX, _OCT.sub(234_00, "6 seats x $39.00 = $234.00"))),
        (Accept(_on(9, 15), 5),),
    ),
    Golden(
        "one to six, then four seats",
        _on(9),
        (
            _ONE,
            _OCT.first(
                *_ONE_TO_SIX,
                _SEP.pro(20, 57_20, "4 seats x $39.00 x 11/30 days = $57.20"),
                _SEP.pro(20, -85_80, "-6 seats x $39.00 x 11/30 days = -$85.80"),
                _OCT.sub(156_00),
            ),
        ),
        (Accept(_on(9, 15), 5), Remove(_on(9, 20), 2)),
    ),
    Golden(
        "six to four seats in a month of 31 days",
        _on(10),
        (
            _OCT.first(_OCT.sub(234_00)),
            _NOV.first(
                _OCT.pro(20, 60_39, "4 seats x $39.00 x 12/31 days = $60.39"),
                _OCT.pro(20, -90_58, "-6 seats x $39.00 x 12/31 days = -$90.58"),
                _NOV.sub(156_00),
            ),
        ),
        (Remove(_on(10, 20), 2),),
        seats=6,
    ),
    Golden(
        "three seats upgraded",
        _on(9),
        (_THREE, _OCT.first(*_UPGRADED, _OCT.sub(297_00))),
        (ChangePlan(_on(9, 15), "ADVANCED"),),
        seats=3,
    ),
    Golden(
        "three seats downgraded",
        _on(9),
        (
            _SEP.first(_SEP.sub(297_00)),
            _OCT.first(_SEP.pro(15, 62_40), _SEP.pro(15, -158_40), _OCT.sub(117_00)),
        ),
        (ChangePlan(_on(9, 15), "ESSENTIAL"),),
        plan="ADVANCED",
        seats=3,
    ),
    Golden(
        "the add-on in the middle of a month",
        _on(9),
        (
            _ONE,
            _OCT.first(
                _SEP.pro(15, 52_80, "1 x $99.00 x 16/30 days = $52.80"), _OCT.sub(39_00), _OCT.sub(99_00)
            ),
        ),
        (AddPsp(_on(9, 15)),),
    ),
    Golden(
        "seats and plan on one date are one pair",
        _on(9),
        (_THREE, _OCT.first(_SEP.pro(15, 264_00), _SEP.pro(15, -62_40), _OCT.sub(495_00))),
        (Accept(_on(9, 15), 2), ChangePlan(_on(9, 15), "ADVANCED")),
        seats=3,
    ),
    Golden(
        "accepted and removed on one date",
        _on(9),
        (
            _ONE,
            _OCT.first(
                _SEP.pro(15, 41_60),
                _SEP.pro(15, -20_80),
                _SEP.pro(16, 19_50),
                _SEP.pro(16, -39_00),
                _OCT.sub(39_00),
            ),
        ),
        (Accept(_on(9, 15)), Remove(_on(9, 15))),
    ),
    Golden(
        "an anchor on the 31st",
        _on(1, 31),
        (
            _invoice(_on(1, 31), ExpectedLine(SUBSCRIPTION, _on(1, 31), _on(2, 28), 39_00)),
            _invoice(
                _on(2, 28),
                ExpectedLine(
                    PRORATIONS, _on(2, 14), _on(2, 28), 58_50, "3 seats x $39.00 x 14/28 days = $58.50"
                ),
                ExpectedLine(PRORATIONS, _on(2, 14), _on(2, 28), -19_50),
                ExpectedLine(SUBSCRIPTION, _on(2, 28), _on(3, 31), 117_00),
            ),
            _invoice(_on(3, 31), ExpectedLine(SUBSCRIPTION, _on(3, 31), _on(4, 30), 117_00)),
        ),
        (Accept(_on(2, 14), 2),),
    ),
    Golden(
        "credit is left",
        _on(10),
        (
            _OCT.first(_OCT.sub(390_00)),
            _invoice(
                _on(11),
                _OCT.pro(2, 37_74, "1 seat x $39.00 x 30/31 days = $37.74"),
                _OCT.pro(2, -377_42, "-10 seats x $39.00 x 30/31 days = -$377.42"),
                _NOV.sub(39_00),
                due_cents=0,
                balance_cents=300_68,
            ),
            _invoice(
                _DEC_1,
                ExpectedLine(SUBSCRIPTION, _DEC_1, _on(1, year=2027), 39_00),
                due_cents=0,
                balance_cents=261_68,
            ),
        ),
        (Remove(_on(10, 2), 9),),
        seats=10,
    ),
    Golden(
        "one late message",
        _on(9),
        (
            _SEP.first(_SEP.sub(39_00), _SEP.sub(99_00)),
            _OCT.first(_SEP.use(375_03), _OCT.sub(39_00), _OCT.sub(99_00)),
            _NOV.first(_SEP.use(2), _NOV.sub(39_00), _NOV.sub(99_00)),
        ),
        (
            Use(_on(9, 10), "MESSAGES_SENT", 10_001, "timely"),
            Use(_on(10, 3), "MESSAGES_SENT", 1, "late", used_on=_on(9, 28)),
        ),
        psp=True,
    ),
    Golden(
        "the add-on comes back before it leaves",
        _on(9),
        (
            _SEP.first(_SEP.sub(39_00), _SEP.sub(99_00)),
            _OCT.first(_OCT.sub(39_00), _OCT.sub(99_00)),
        ),
        (RemovePsp(_on(9, 10)), AddPsp(_on(9, 30))),
        psp=True,
    ),
    Golden(
        "the add-on comes back after it left",
        _on(9),
        (
            _SEP.first(_SEP.sub(39_00), _SEP.sub(99_00)),
            _OCT.first(_OCT.sub(39_00)),
            _NOV.first(
                _OCT.pro(5, 86_23, "1 x $99.00 x 27/31 days = $86.23"), _NOV.sub(39_00), _NOV.sub(99_00)
            ),
        ),
        (RemovePsp(_on(9, 20)), AddPsp(_on(10, 5))),
        psp=True,
    ),
    Golden(
        "the add-on leaves on the day it came",
        _on(9),
        (_ONE, _OCT.first(_SEP.pro(15, 52_80), _OCT.sub(39_00)), _NOV.first(_NOV.sub(39_00))),
        (AddPsp(_on(9, 15)), RemovePsp(_on(9, 15))),
    ),
    Golden(
        "a plan change leaves the add-on alone",
        _on(9),
        (
            _SEP.first(_SEP.sub(117_00), _SEP.sub(99_00)),
            _OCT.first(*_UPGRADED, _OCT.sub(297_00), _OCT.sub(99_00)),
        ),
        (ChangePlan(_on(9, 15), "ADVANCED"),),
        seats=3,
        psp=True,
    ),
    Golden(
        "late messages",
        _on(9),
        (
            _SEP.first(_SEP.sub(39_00), _SEP.sub(99_00)),
            _OCT.first(_SEP.use(140_00), _OCT.sub(39_00), _OCT.sub(99_00)),
            _NOV.first(
                _SEP.use(
                    9_00,
                    "500 x $0.00 + 500 x $0.07 + 1,000 x $0.06 + 1,000 x $0.05 + 100 x $0.04 = $149.00; "
                    "billed before $140.00; difference $9.00",
                ),
                _NOV.sub(39_00),
                _NOV.sub(99_00),
            ),
        ),
        (
            Use(_on(9, 10), "MESSAGES_SENT", 2_900, "timely"),
            Use(_on(10, 3), "MESSAGES_SENT", 200, "late", used_on=_on(9, 28)),
        ),
        psp=True,
    ),
    Golden(
        "a resolution taken back",
        _on(9),
        (
            _ONE,
            _OCT.first(_SEP.use(99_00, "100 x $0.99 = $99.00"), _OCT.sub(39_00)),
            _NOV.first(
                _SEP.use(-99, "99 x $0.99 = $98.01; billed before $99.00; difference -$0.99"), _NOV.sub(39_00)
            ),
        ),
        (Use(_on(9, 10), "FIN_RESOLUTION", 1, "fin", times=100), TakeBack(_on(10, 12), "fin-7")),
    ),
    Golden(
        "a trial becomes a subscription",
        _on(9),
        (
            _invoice(
                _on(9, 15),
                ExpectedLine(SUBSCRIPTION, _on(9, 15), _on(10, 15), 117_00, "3 seats x $39.00 = $117.00"),
            ),
            _invoice(
                _on(10, 15),
                ExpectedLine(USAGE, _on(9, 15), _on(10, 15), 12_00, "300 x $0.04 = $12.00"),
                ExpectedLine(SUBSCRIPTION, _on(10, 15), _on(11, 15), 117_00),
            ),
        ),
        (Use(_on(9, 10), "BULK_EMAIL", 700, "free"), Use(_on(9, 15), "BULK_EMAIL", 300, "paid")),
        seats=3,
        trial=True,
    ),
    Golden(
        "dates are local",
        _on(9),
        (_ONE, _OCT.first(*_ONE_TO_SIX, _OCT.sub(234_00))),
        (Accept(_on(9, 15), 5),),
        zone="Pacific/Auckland",
    ),
)

GOLDEN: Mapping[str, Golden] = MappingProxyType({golden.name: golden for golden in _STORIES})

RATES: tuple[Rate, ...] = (
    *(
        Rate("MESSAGES_SENT", (quantity,) if quantity else (), cents)
        for quantity, cents in (
            (0, 0),
            (400, 0),
            (500, 0),
            (501, 7),
            (1_000, 35_00),
            (1_001, 35_06),
            (3_000, 145_00),
            (4_000, 185_00),
            (10_000, 375_00),
            (10_001, 375_03),
            (300_000, 6_500_00),
        )
    ),
    Rate("BULK_EMAIL", (10_000,), 254_00),
    Rate("SMS_SEGMENT", (10_000,), 232_50),
    Rate("WHATSAPP_SENT", (10_000,), 862_50),
    Rate("PHONE_MINUTE", (155, 60), 12),
    Rate("FIN_RESOLUTION", (1,), 99),
)

NUMBERS: tuple[Number, ...] = tuple(
    Number(section, golden, cents)
    for section, golden, amounts in (
        (3, "an Essential seat", (39_00,)),
        (3, "an Advanced seat", (99_00,)),
        (3, "an Expert seat", (139_00,)),
        (3, "the add-on from the start", (99_00,)),
        (3, "nobody holds a seat", (39_00,)),
        (3, "two calls", (12,)),
        (3, "usage of every metric", (145_00, 254_00, 232_50, 862_50, 99)),
        (5, "one late message", (375_03, 2)),
        (5, "one to six seats", (124_80, -20_80, 104_00)),
        (5, "one to six, then four seats", (57_20, -85_80, 75_40)),
        (5, "six to four seats in a month of 31 days", (60_39, -90_58, -30_19)),
        (5, "three seats upgraded", (158_40, -62_40, 96_00)),
        (5, "three seats downgraded", (-158_40, 62_40, -96_00)),
        (5, "the add-on in the middle of a month", (52_80,)),
        (5, "seats and plan on one date are one pair", (264_00, -62_40, 201_60)),
        (5, "accepted and removed on one date", (41_60, 19_50, -20_80, -39_00, 1_30)),
        (5, "an anchor on the 31st", (58_50, -19_50, 39_00, 117_00)),
        (5, "credit is left", (37_74, -377_42, 39_00, -300_68, 0, 261_68)),
        (5, "dates are local", (104_00,)),
        (5, "a plan change leaves the add-on alone", (96_00,)),
        (6, "one to six seats", (39_00, 104_00, 234_00, 338_00)),
        (6, "the add-on comes back before it leaves", (99_00, 138_00)),
        (6, "the add-on comes back after it left", (86_23,)),
        (6, "the add-on leaves on the day it came", (52_80,)),
        (9, "late messages", (140_00, 9_00)),
        (9, "a resolution taken back", (99_00, -99)),
        (10, "a trial becomes a subscription", (117_00, 12_00)),
    )
    for cents in amounts
)
