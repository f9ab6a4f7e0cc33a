"""Eight months of Lumen Desk, a company that sells lamps: what happens and when, in local time.

Change it as you like: a moment is never before the one above it. Play it with
`python -m workers.demo --url URL --key OPERATOR_KEY`; each play opens an account of its own.
"""

from __future__ import annotations

from typing import Final

from workers.demo.actions import (
    Accept,
    Action,
    AddPsp,
    Card,
    ChangePlan,
    Contacts,
    Invite,
    Leave,
    OpenWorkspace,
    RemovePsp,
    Start,
    Switch,
    TakeBack,
    Use,
    Wait,
)

COMPANY: Final = "Lumen Desk"
TIME_ZONE: Final = "Europe/Warsaw"
MAIL: Final = "lumendesk.example"

STORY: Final[tuple[tuple[str, Action], ...]] = (
    # Three people start on Essential. Periods begin on the 5th from now on.
    ("2026-01-05 09:00", OpenWorkspace("Support", by="Ada Nowak")),
    ("2026-01-05 09:05", Contacts("Support", ("ada.nowak@lumendesk.example", "invoices@books.example"))),
    ("2026-01-05 09:10", Invite("Support", ("Piotr Lis",), role="BILLING")),
    ("2026-01-05 09:10", Invite("Support", ("Maja Kot",))),
    ("2026-01-05 09:30", Accept(("Piotr Lis", "Maja Kot"))),
    ("2026-01-05 09:45", Card("tok_visa")),
    ("2026-01-05 10:00", Start("ESSENTIAL")),
    ("2026-01-16 14:00", Invite("Support", ("Tomasz Wrona",))),
    ("2026-01-19 09:00", Accept(("Tomasz Wrona",))),
    (
        "2026-01-30 18:00",
        Use("Support", "2026-01-06", {"PHONE_MINUTE": 140, "FIN_RESOLUTION": 60, "SMS_SEGMENT": 90}),
    ),
    # A second workspace; its seats and usage are pooled with the first's. Nina stays for one day.
    ("2026-02-02 10:00", OpenWorkspace("Success", by="Julia Sowa")),
    ("2026-02-06 09:00", Invite("Success", ("Adam Zych", "Nina Mazur"))),
    ("2026-02-09 09:00", Accept(("Adam Zych",))),
    ("2026-02-16 09:00", Accept(("Nina Mazur",))),
    ("2026-02-16 16:30", Leave("Nina Mazur")),
    ("2026-02-27 18:00", Use("Support", "2026-02-05", {"PHONE_MINUTE": 170, "FIN_RESOLUTION": 85})),
    (
        "2026-02-27 18:05",
        Use("Success", "2026-02-05", {"BULK_EMAIL": 12, "WHATSAPP_SENT": 150}, door="GraphQL"),
    ),
    # Advanced, for its lite seats: three people who only read along.
    ("2026-03-09 10:00", ChangePlan("ADVANCED")),
    ("2026-03-09 10:30", Invite("Support", ("Ewa Duda",), seat="LITE", role="AUDITOR")),
    ("2026-03-09 10:30", Invite("Support", ("Igor Pawlak", "Olga Wilk"), seat="LITE")),
    ("2026-03-11 09:00", Accept(("Ewa Duda", "Igor Pawlak", "Olga Wilk"))),
    ("2026-03-20 17:00", Leave("Tomasz Wrona")),
    ("2026-03-31 18:00", Use("Support", "2026-03-05", {"PHONE_MINUTE": 210, "FIN_RESOLUTION": 120})),
    (
        "2026-03-31 18:05",
        Use("Success", "2026-03-05", {"BULK_EMAIL": 20, "SMS_SEGMENT": 300}, door="GraphQL"),
    ),
    # An empty card: the charges of 5 and 12 April are declined; another card is charged at once.
    ("2026-04-01 12:00", Card("tok_insufficient_funds")),
    ("2026-04-10 09:00", Switch("Adam Zych", "LITE")),
    ("2026-04-14 11:00", Card("tok_visa")),
    ("2026-04-27 09:00", Switch("Adam Zych", "FULL")),
    # The sender of April's usage retried; and a message needs the add-on, which is not there yet.
    (
        "2026-04-30 18:00",
        Use("Support", "2026-04-05", {"PHONE_MINUTE": 190, "FIN_RESOLUTION": 140}, is_sent_twice=True),
    ),
    ("2026-04-30 18:05", Use("Success", "2026-04-29", {"MESSAGES_SENT": 3}, door="GraphQL")),
    # May: two more people, the add-on, and the launch of a lamp.
    ("2026-05-11 09:00", AddPsp()),
    ("2026-05-11 10:00", Invite("Success", ("Zofia Lipska", "Kamil Rybak"))),
    ("2026-05-12 09:00", Accept(("Zofia Lipska", "Kamil Rybak"))),
    (
        "2026-05-31 20:00",
        Use("Success", "2026-05-19", {"MESSAGES_SENT": 24_000, "BULK_EMAIL": 300, "WHATSAPP_SENT": 2_000}),
    ),
    (
        "2026-05-31 20:30",
        Use(
            "Support",
            "2026-05-05",
            {"SMS_SEGMENT": 3_500, "PHONE_MINUTE": 900, "FIN_RESOLUTION": 600},
            door="GraphQL",
        ),
    ),
    # June: calls of the launch that were reported late, and a resolution that was none.
    ("2026-06-08 09:00", Use("Support", "2026-05-27", {"PHONE_MINUTE": 45}, until="2026-06-04")),
    (
        "2026-06-10 15:00",
        TakeBack(
            "Support", "2026-05-05:FIN_RESOLUTION:7", reason="The customer came back with the same question."
        ),
    ),
    ("2026-06-30 18:00", Use("Success", "2026-06-05", {"MESSAGES_SENT": 4_000, "BULK_EMAIL": 40})),
    (
        "2026-06-30 18:05",
        Use("Support", "2026-06-06", {"PHONE_MINUTE": 320, "FIN_RESOLUTION": 260}, door="GraphQL"),
    ),
    # July: the launch is over. The add-on lasts to the end of its period.
    ("2026-07-15 10:00", RemovePsp()),
    ("2026-07-17 17:00", Leave("Zofia Lipska")),
    ("2026-07-31 17:00", Leave("Kamil Rybak")),
    ("2026-07-31 18:00", Use("Success", "2026-07-05", {"MESSAGES_SENT": 700, "SMS_SEGMENT": 400})),
    (
        "2026-07-31 18:05",
        Use("Support", "2026-07-06", {"PHONE_MINUTE": 260, "FIN_RESOLUTION": 210}, door="GraphQL"),
    ),
    # August is left open: there is usage, and a next invoice to look at.
    ("2026-08-14 14:00", Invite("Support", ("Marek Lew", "Iga Sroka"))),
    ("2026-08-17 09:00", Accept(("Marek Lew",))),
    ("2026-08-31 17:00", Use("Support", "2026-08-05", {"PHONE_MINUTE": 240, "FIN_RESOLUTION": 190})),
    (
        "2026-08-31 17:05",
        Use("Success", "2026-08-05", {"BULK_EMAIL": 25, "WHATSAPP_SENT": 300}, door="GraphQL"),
    ),
    ("2026-08-31 18:00", Wait()),
)
