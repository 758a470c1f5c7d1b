"""Sellers: making one, changing it, emptying its world, taking it away."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from msgspec import Struct, structs
from msgspec.structs import replace

from mockpay.domain import throttling as rules
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.return_urls import LOOPBACK_RETURNS, check_return_url_entry, return_url_allowed
from mockpay.domain.scenarios.rule_forms import parse_outcome, parse_stage
from mockpay.domain.sellers import THROTTLING_OFF, Seller, Settings, check_names
from mockpay.domain.sellers import settings as settings_of
from mockpay.domain.throttling import Quota
from mockpay.kernel import ids
from mockpay.kernel.clock import Clock, Mode
from mockpay.kernel.errors import Conflict, Invalid, MockpayError
from mockpay.kernel.http.hosts import own_url
from mockpay.kernel.words import parse_word
from mockpay.risk.rules import NAMES, rules_of
from mockpay.services import subscriptions
from mockpay.services.notifications import retry_profiles
from mockpay.store import counters, gateway_accounts, resets, seller_keys, sellers
from mockpay.store.db.engine import reading, writing
from mockpay.store.db.paging import Page, cursor_of, mark_of
from mockpay.store.unit_of_work import Runtime, Sandbox, sandbox_of, transaction

#: The seller that is there from the first start (contract section 1).
DEFAULT_SELLER_ID = "A1MOCKPAYSELLER"
_DEFAULT_ACCESS_KEY = "AKIDMOCKPAYDEFAULT"
#: As the real service's: people who try it move the clock; a seller of one's own has a delay that suits CI.
DEFAULT_SETTINGS = {"refund_delay_seconds": 21_600}
_DEFAULT_SECRET_KEY = "mockpay-default-secret-key-EXAMPLE"  # noqa: S105

_MOST_RETURN_URLS = 100
#: What counts the downloads of a seller's own certificate file, for the setting `certificate_fault`.
CERTIFICATE_DOWNLOADS = "certificate.downloads"


class NewSeller(Struct, frozen=True):
    """What somebody asks for; None is made up, left empty or the default, and a clock running at real time."""

    seller_id: str | None = None
    access_key: str | None = None
    secret_key: str | None = None
    name: str | None = None
    return_urls: tuple[str, ...] | None = None
    ipn_url: str | None = None
    settings: Mapping[str, object] | None = None
    clock: Clock | None = None


def create(runtime: Runtime, new_seller: NewSeller) -> Seller:
    """
    Make a seller and its empty world.

    Raises:
        Invalid: a name, URL or setting that cannot be used.
        Forbidden: code ``outgoing.host``.
        Conflict: code ``seller.exists``: the id or the access key is taken.
    """
    with creation(runtime) as add:
        sandbox = add(new_seller)
        if sandbox is None:
            message = "A seller with this id or access key exists already."
            raise Conflict(message, code="seller.exists")
    return sandbox.seller


@contextmanager
def creation(runtime: Runtime) -> Iterator[Callable[[NewSeller], Sandbox | None]]:
    """
    One transaction in which sellers are made by what it yields; that returns None where id or access key is taken.

    Raises:
        Invalid, Forbidden: as `create` raises them.
    """
    with writing(runtime.writer) as connection:

        def add(new_seller: NewSeller) -> Sandbox | None:
            is_default = new_seller.seller_id == DEFAULT_SELLER_ID
            seller = _checked(runtime, _seller(runtime, _default(runtime, new_seller) if is_default else new_seller))
            if seller.access_key == _DEFAULT_ACCESS_KEY and not is_default:
                return None
            if not sellers.insert(connection, runtime.keyring, seller):
                return None
            seller_keys.add(connection, seller.seller_id, _keys(runtime, seller))
            sandbox = sandbox_of(runtime, connection, seller.seller_id)
            subscriptions.request(sandbox)
            return sandbox

        yield add
    runtime.wake.set()


def ensure_default(runtime: Runtime, public_shop_url: str | None = None) -> Seller:
    """
    The default seller; made where it is missing, also when two servers start at once.

    Args:
        public_shop_url: Where buyers find the demo shop besides; they may be sent back there.
    """
    with reading(runtime.engine) as connection:
        existing = sellers.find(connection, runtime.keyring, seller_id=DEFAULT_SELLER_ID)
    if existing is not None:
        return _allow_return(runtime, existing, public_shop_url)
    seller = _seller(runtime, _default(runtime, NewSeller()))
    with writing(runtime.writer) as connection:
        if sellers.insert(connection, runtime.keyring, seller):
            seller_keys.add(connection, seller.seller_id, _keys(runtime, seller))
        existing = sellers.find(connection, runtime.keyring, seller_id=DEFAULT_SELLER_ID)
    return _allow_return(runtime, existing or seller, public_shop_url)


def _default(runtime: Runtime, new_seller: NewSeller) -> NewSeller:
    """The default seller, otherwise where somebody asks for that; its notifications go to the demo shop."""
    default = NewSeller(
        DEFAULT_SELLER_ID,
        _DEFAULT_ACCESS_KEY,
        _DEFAULT_SECRET_KEY,
        "Mockpay Store",
        ipn_url=f"{own_url(runtime.settings)}/shop/ipn",
    )
    named = {name: value for name in new_seller.__struct_fields__ if (value := getattr(new_seller, name)) is not None}
    return replace(default, **{**named, "settings": {**DEFAULT_SETTINGS, **(new_seller.settings or {})}})


def _allow_return(runtime: Runtime, seller: Seller, shop_url: str | None) -> Seller:
    """The seller, whose buyers may be sent back to its shop at this address too."""
    url = f"{shop_url}/return"
    if not shop_url or return_url_allowed(url, seller.return_urls):
        return seller
    check_return_url_entry(url)
    with transaction(runtime, seller.seller_id) as sandbox:
        seller = replace(sandbox.seller, return_urls=(*sandbox.seller.return_urls, url))
        sellers.save(sandbox.connection, seller)
    return seller


def _seller(runtime: Runtime, new_seller: NewSeller) -> Seller:
    seller_id = new_seller.seller_id if new_seller.seller_id is not None else "A1" + _random_id(8)
    now = runtime.real_clock.now()
    return Seller(
        seller_id=seller_id,
        access_key=new_seller.access_key if new_seller.access_key is not None else "AKID" + _random_id(10),
        secret_key=new_seller.secret_key if new_seller.secret_key is not None else _secret(),
        name=new_seller.name if new_seller.name is not None else f"Store {seller_id[-6:]}",
        return_urls=new_seller.return_urls if new_seller.return_urls is not None else LOOPBACK_RETURNS,
        ipn_url=new_seller.ipn_url or None,
        settings=settings_of(new_seller.settings or {}),
        seed=runtime.settings.seed or ids.entropy(16).hex(),
        clock=new_seller.clock or Clock(Mode.RUNNING, now, now),
        next_due=None,
        created_at=now,
    )


def _random_id(size: int) -> str:
    """Capitals and digits that nobody has yet; from the system, so equal seeds do not clash."""
    return base64.b32encode(ids.entropy(size)).decode().rstrip("=")


def _secret() -> str:
    return base64.urlsafe_b64encode(ids.entropy(30)).decode()


def _checked(runtime: Runtime, seller: Seller) -> Seller:
    check_names(seller.seller_id, seller.access_key, seller.secret_key, seller.name)
    if len(seller.return_urls) > _MOST_RETURN_URLS:
        message = f"A seller has at most {_MOST_RETURN_URLS} return URLs."
        raise Invalid(message, code="return_url.too_many", field="return_urls")
    for entry in seller.return_urls:
        check_return_url_entry(entry)
    for field, url in (("ipn_url", seller.ipn_url), ("alert_url", seller.settings.alert_url)):
        if url:
            try:
                runtime.settings.outgoing_hosts.check(url)
            except MockpayError as error:
                error.detail["field"] = field
                raise
    return replace(seller, settings=_checked_settings(runtime, seller.settings))


def _checked_settings(runtime: Runtime, settings: Settings) -> Settings:
    """What a provider, the scenarios or the risk check knows is checked on save, not when somebody pays."""

    def parse(noun: str, word: str, words: Iterable[str], field: str) -> str:
        return parse_word(noun, word, words, code="settings.invalid", field=field)

    choices = setting_choices(runtime).items()
    words = {name: parse(name, getattr(settings, name), right, name) for name, right in choices}
    risk = {parse("risk rule", name, NAMES, "risk_rules"): text for name, text in settings.risk_rules.items()}
    rules_of(risk)
    always = tuple(parse("method", method, METHODS, "otp_always_methods") for method in settings.otp_always_methods)
    outcomes = {}
    for name, outcome in settings.default_outcomes.items():
        stage = parse_stage(name, field="default_outcomes")
        outcomes[str(stage)] = parse_outcome(stage, outcome, field="default_outcomes")
    return structs.replace(settings, default_outcomes=outcomes, risk_rules=risk, otp_always_methods=always, **words)


def setting_choices(runtime: Runtime) -> dict[str, list[str]]:
    """The values of settings that providers add to."""
    contributed = (provider.throttling_profiles for provider in runtime.providers.values())
    return {"ipn_profile": sorted(retry_profiles(runtime)), "throttling": sorted({THROTTLING_OFF}.union(*contributed))}


def credentials(runtime: Runtime, seller: Seller) -> dict[str, Mapping[str, str]]:
    """What each company would have issued to a seller, by the company's name."""
    issued = {name: provider.credentials(seller) for name, provider in runtime.providers.items()}
    return {name: values for name, values in issued.items() if values}


def _keys(runtime: Runtime, seller: Seller) -> list[tuple[str, str]]:
    """By what companies' calls say that they are this seller's."""
    issued = credentials(runtime, seller)
    return [(name, issued[name][key]) for name, provider in runtime.providers.items() for key in provider.key_names]


def seller_of_key(runtime: Runtime, provider: str, key: str) -> str | None:
    """The id of the seller to whom a company issued a key; None where it issued it to nobody."""
    with reading(runtime.engine) as connection:
        return seller_keys.find_seller(connection, provider, key)


def addresses(runtime: Runtime, base_url: str) -> dict[str, str]:
    """Name -> URL of what sellers' software calls, by all providers."""
    return _merged(provider.addresses(base_url) for provider in runtime.providers.values())


def environment(runtime: Runtime, seller: Seller, base_url: str) -> dict[str, str]:
    """Name -> value of the variables by which a seller's software is configured."""
    companies = runtime.providers.values()
    return _merged(company.environment(seller, runtime.keys, base_url) for company in companies)


def _merged(mappings: Iterable[Mapping[str, str]]) -> dict[str, str]:
    return {name: value for mapping in mappings for name, value in mapping.items()}


class Changes(Struct, frozen=True):
    """What should change of a seller; None stays, an empty `ipn_url` takes the address away."""

    name: str | None = None
    return_urls: tuple[str, ...] | None = None
    ipn_url: str | None = None
    settings: Mapping[str, object] | None = None


def change(sandbox: Sandbox, changes: Changes) -> Seller:
    """
    Change a seller; settings that are not named keep their value.

    Raises:
        Invalid, Forbidden: as `changed` raises them.
    """
    seller, named = changed(sandbox, changes), changes.settings or {}
    sellers.save(sandbox.connection, seller)
    if "certificate_fault" in named:
        counters.forget(sandbox, CERTIFICATE_DOWNLOADS)
    if changes.ipn_url is not None or "ipn_profile" in named:
        subscriptions.request(replace(sandbox, seller=seller))
    return seller


def changed(sandbox: Sandbox, changes: Changes) -> Seller:
    """
    The seller as it would be, checked and not yet stored.

    Raises:
        Invalid: a name, URL or setting that cannot be used.
        Forbidden: code ``outgoing.host``.
    """
    seller = sandbox.seller
    settings = {**structs.asdict(seller.settings), **(changes.settings or {})}
    after = replace(
        seller,
        name=seller.name if changes.name is None else changes.name,
        return_urls=seller.return_urls if changes.return_urls is None else changes.return_urls,
        ipn_url=seller.ipn_url if changes.ipn_url is None else changes.ipn_url or None,
        settings=settings_of(settings),
    )
    return _checked(sandbox.runtime, after)


def reset(sandbox: Sandbox) -> None:
    """Empty the seller's world and set its clock to real time; credentials and settings stay."""
    resets.empty(sandbox)


def delete(sandbox: Sandbox) -> None:
    """Take the seller away with all that happened in its world."""
    resets.empty(sandbox)
    sellers.save_offers(sandbox.connection, sandbox.seller_id, {})
    gateway_accounts.remove_all(sandbox)
    seller_keys.remove(sandbox.connection, sandbox.seller_id)
    sellers.remove(sandbox.connection, sandbox.seller_id)


def listed(runtime: Runtime, cursor: str | None, limit: int) -> Page[Seller]:
    """All sellers by id."""
    after = mark_of("seller", cursor) if cursor else ""
    with reading(runtime.engine) as connection:
        rows = sellers.list_page(connection, runtime.keyring, after, limit + 1)
    more = len(rows) > limit
    return Page(rows[:limit], cursor_of("seller", rows[limit - 1].seller_id) if more else None)


def take(sandbox: Sandbox, bucket_name: str, quota: Quota) -> None:
    """
    Count a call, whatever becomes of it.

    To be called in a transaction that a refusal of the call for another reason does not roll
    back: it would give the token back.

    Raises:
        Conflict: code ``throttled``: there is no token left.
    """
    now, real_now = sandbox.now, sandbox.real_now
    bucket = counters.find(sandbox, bucket_name) or rules.full(quota, now, real_now)
    after = rules.taken(bucket, quota, now, real_now)
    if after is None:
        raise Conflict("Request is throttled.", code="throttled", operation=bucket_name)
    counters.save(sandbox, bucket_name, after)
