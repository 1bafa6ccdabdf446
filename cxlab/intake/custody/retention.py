"""What a client's data are kept for and until when: past that day nothing reads them any more."""

from __future__ import annotations

from datetime import date

from cxlab.errors import InputError, Message, Problem
from cxlab.intake.declared.models import Client


def kept_until(client: Client) -> date | None:
    """Return the last day on which a client's data may be used: as extended, else as first declared."""
    return client.extended.until if client.extended else client.retain_until


def refuse_overdue(client: Client, *, today: date | None = None) -> None:
    """Refuse a client whose data were to be kept no longer.

    Parameters
    ----------
    client : Client
    today : date, optional
        The day of the calendar, if not given.

    Raises
    ------
    InputError
        From the day after `retain_until`, or after the day to which it was extended.
    """
    last = kept_until(client)
    if last is None or (today or date.today()) <= last:
        return
    raise InputError(
        "{client}: its data were to be kept until {last}",
        client=client.slug,
        last=last.isoformat(),
        problems=[
            Problem(
                Message("{last}, a day that has passed", last=last.isoformat()),
                Message("data within the time for which they may be kept"),
                Message(
                    "delete them with `cxlab purge {client}`; if there is a reason to keep them longer, "
                    "write `extended: {{until: YYYY-MM-DD, reason: ...}}`",
                    client=client.slug,
                ),
                file="client.yaml",
                column="extended.until" if client.extended else "retain_until",
            )
        ],
    )


def doubts(client: Client) -> list[Problem]:
    """Return what a register of processing would lack: the purpose."""
    if client.purpose.strip():
        return []
    return [
        Problem(
            Message("no purpose"),
            Message("what the data are processed for, in a sentence"),
            Message("write it under `purpose:`"),
            file="client.yaml",
            column="purpose",
        )
    ]


def notes(client: Client) -> list[Message]:
    """Return what a person should know of how long the data are kept."""
    if kept_until(client) is not None:
        return []
    return [Message("client.yaml gives no `retain_until`: nothing says when these data are to be deleted")]
