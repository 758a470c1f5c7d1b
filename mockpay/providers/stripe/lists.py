"""Lists, the newest first, by pages of a cursor: an object's id."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

from mockpay.kernel.clock import SECOND
from mockpay.providers.stripe.calls import Call
from mockpay.providers.stripe.credentials import NAME
from mockpay.providers.stripe.parameters import Parameters, bad_request, missing_object
from mockpay.store import api_objects
from mockpay.store.api_objects import ApiObject
from mockpay.wire.stripe import objects

_MOST = 100
#: How many rows are looked at for one page whose objects are chosen by what no index has.
_LOOKED_AT = 1_000
_COMPARED: dict[str, Callable[[int, int], bool]] = {
    "gt": lambda value, bound: value > bound,
    "gte": lambda value, bound: value >= bound,
    "lt": lambda value, bound: value < bound,
    "lte": lambda value, bound: value <= bound,
}


def page(
    call: Call,
    kind: str,
    url: str,
    render: Callable[[ApiObject], dict[str, Any]],
    *,
    parent: str | None = None,
    chosen: Callable[[ApiObject], bool] | None = None,
) -> dict[str, Any]:
    """
    One page of the objects of a kind.

    Args:
        url: The list's own address, from `/v1/` on.
        parent: Only those that belong to it.
        chosen: Whether one is wanted.

    Raises:
        Refused: a limit or cursor that is none.
    """
    params = call.params
    limit = params.integer("limit", 10)
    if limit > _MOST:
        raise bad_request(f"This value must be less than or equal to {_MOST}.", "parameter_invalid_integer", "limit")
    before, after = _cursor(call, kind, "starting_after"), _cursor(call, kind, "ending_before")
    in_time = _created(params)
    every = chosen is None and in_time is None
    rows = api_objects.list_newest(
        call.sandbox, NAME, kind, parent=parent, before=before, after=after, limit=limit + 1 if every else _LOOKED_AT
    )
    # A page before a cursor ends at it: its rows are looked at from there.
    nearest = rows if after is None else reversed(rows)
    fitting = (row for row in nearest if _fits(row, chosen, in_time))
    wanted = list(islice(fitting, limit + 1))
    shown = wanted[:limit] if after is None else wanted[:limit][::-1]
    return objects.new_list(url, [render(row) for row in shown], has_more=len(wanted) > limit)


def _fits(row: ApiObject, chosen: Callable[[ApiObject], bool] | None, in_time: Callable[[int], bool] | None) -> bool:
    return (in_time is None or in_time(row.created_at // SECOND)) and (chosen is None or chosen(row))


def _cursor(call: Call, kind: str, name: str) -> int | None:
    object_id = call.params.text(name)
    if object_id is None:
        return None
    row = api_objects.find(call.sandbox, NAME, kind, object_id)
    if row is None:
        raise missing_object(kind, object_id, name)
    return row.number


def _created(params: Parameters) -> Callable[[int], bool] | None:
    """The filter `created`: an instant, or bounds of one; None where it is not there."""
    if isinstance(params.values.get("created"), str):
        instant = params.integer("created", least=0)
        return lambda created: created == instant
    inner = params.inner("created")
    if inner is None:
        return None
    bounds = [(_COMPARED[name], inner.integer(name, least=0)) for name in inner.values if name in _COMPARED]
    return lambda created: all(fits(created, bound) for fits, bound in bounds)
