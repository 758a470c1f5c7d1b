"""The seller: credentials, addresses, settings with their meaning, and lines for a shell."""

from __future__ import annotations

import shlex
from dataclasses import asdict, dataclass, fields

from flask import Blueprint

from mockpay.domain.sellers import Seller, Settings
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
            one = sandbox.seller
            base = base_url(runtime)
            return render(
                runtime,
                sandbox,
                "seller.html",
                current="seller",
                seller=one,
                settings=setting_lines(one.settings),
                exports=export_lines(one, base, runtime.keys.public_file.read_text()),
                json_url=control_url(sandbox),
                base=base,
            )


def setting_lines(settings: Settings) -> list[SettingLine]:
    """Every setting in the order of its declaration."""
    values, usual = asdict(settings), asdict(Settings())
    return [
        SettingLine(
            name=field.name,
            value=_told(values[field.name]),
            says=str(field.metadata.get("says", "")),
            changed=values[field.name] != usual[field.name],
        )
        for field in fields(Settings)
    ]


def _told(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, dict):
        return ", ".join(f"{stage}: {outcome}" for stage, outcome in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(str(one) for one in value) or "none"
    return str(value) or "none"


def export_lines(seller: Seller, base: str, public_pem: str) -> str:
    """What a shop's shell or CI job needs; the same lines as `mockpay secrets --env`."""
    lines = {
        "AMAZONPAY_SELLER_ID": seller.seller_id,
        "AMAZONPAY_ACCESS_KEY": seller.access_key,
        "AMAZONPAY_SECRET_KEY": seller.secret_key,
        # Amazon's SDKs take the key as one line of base64, without the PEM's frame.
        "AMAZONPAY_PUBLIC_KEY": "".join(public_pem.split("-----")[2].split()),
        "AMAZONPAY_BASE_URL": base,
    }
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in lines.items())
