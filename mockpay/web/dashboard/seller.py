"""The seller: credentials, addresses, settings with their meaning, and lines for a shell."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from flask import Blueprint
from msgspec import structs

from mockpay.domain.sellers import Seller, Settings, setting_descriptions
from mockpay.services.sellers import accounts
from mockpay.store.unit_of_work import Runtime, read
from mockpay.web.dashboard.layout import base_url, control_url, render


@dataclass(frozen=True, slots=True)
class SettingLine:
    """One setting: what it is, what it means, whether it was changed."""

    name: str
    value: str
    says: str
    changed: bool


def register(pages: Blueprint, runtime: Runtime) -> None:
    """Add the page."""

    @pages.get("/sellers/<seller_id>/seller")
    def seller(seller_id: str) -> str:
        with read(runtime, seller_id) as sandbox:
            seller = sandbox.seller
            base = base_url(runtime)
            return render(
                runtime,
                sandbox,
                "seller.html",
                current="seller",
                seller=seller,
                settings=setting_lines(seller.settings),
                exports=export_lines(runtime, seller, base),
                json_url=control_url(sandbox),
                base=base,
            )


def setting_lines(settings: Settings) -> list[SettingLine]:
    """Every setting in the order of its declaration."""
    values, usual = structs.asdict(settings), structs.asdict(Settings())
    descriptions = setting_descriptions()
    return [
        SettingLine(name=name, value=_text(value), says=descriptions[name], changed=value != usual[name])
        for name, value in values.items()
    ]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, dict):
        return ", ".join(f"{stage}: {outcome}" for stage, outcome in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(str(seller) for seller in value) or "none"
    return str(value) or "none"


def export_lines(runtime: Runtime, seller: Seller, base: str) -> str:
    """What a shop's shell or CI job needs; the same lines as `mockpay secrets --env`."""
    variables = accounts.environment(runtime, seller, base)
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items())
