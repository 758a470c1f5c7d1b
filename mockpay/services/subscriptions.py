"""Whether a seller's address has confirmed that it takes notifications, and a notification to try it out."""

from __future__ import annotations

from msgspec.structs import replace

from mockpay.domain.notifications import Notification, NotificationType
from mockpay.kernel import ids
from mockpay.kernel.errors import Conflict, Invalid
from mockpay.services import notifications
from mockpay.store import sellers
from mockpay.store.unit_of_work import Sandbox


def token_of(sandbox: Sandbox) -> str:
    """What confirms the subscription of the seller's present address."""
    return ids.fingerprint(f"{sandbox.seller.seed} {sandbox.seller_id} {sandbox.seller.ipn_url}".encode())


def request(sandbox: Sandbox) -> None:
    """Ask the seller's address to confirm its subscription, where the profile wants that and it has not yet."""
    seller = sandbox.seller
    if seller.ipn_url and seller.subscribed_url != seller.ipn_url and notifications.profile_of(sandbox).subscribes:
        _send(sandbox, NotificationType.SUBSCRIPTION)


def confirm(sandbox: Sandbox, token: str) -> None:
    """
    The address takes notifications from now on.

    Raises:
        Invalid: code ``subscription.token``: not the one that the present address was sent.
    """
    if not sandbox.seller.ipn_url or not ids.same(token, token_of(sandbox)):
        raise Invalid("The token is not the one that was sent.", code="subscription.token")
    sellers.save(sandbox.connection, replace(sandbox.seller, subscribed_url=sandbox.seller.ipn_url))


def cancel(sandbox: Sandbox) -> None:
    """The address takes no notification any more; it is told so, and how to come back."""
    if sandbox.seller.subscribed_url is not None:
        sellers.save(sandbox.connection, replace(sandbox.seller, subscribed_url=None))
        _send(sandbox, NotificationType.UNSUBSCRIPTION)


def _send(sandbox: Sandbox, type_: NotificationType) -> None:
    facts = {"url": sandbox.seller.ipn_url, "token": token_of(sandbox)}
    notifications.create_without_order(sandbox, _provider(sandbox), type_, facts)


def send_test(sandbox: Sandbox) -> Notification:
    """
    Send a notification of a payment that never was.

    Raises:
        Conflict: code ``notification.no_address``.
    """
    if not sandbox.seller.ipn_url:
        raise Conflict("This seller has no address for notifications: ipn_url.", code="notification.no_address")
    facts = {
        "seller_order_id": "TEST-NOTIFICATION",
        "amount": "1.00",
        "currency": "INR",
        "completed": True,
        "reason": None,
        "live": False,
        "created_at": sandbox.now,
        "updated_at": sandbox.now,
    }
    return notifications.create_without_order(sandbox, _provider(sandbox), NotificationType.TEST, facts)


def _provider(sandbox: Sandbox) -> str:
    """Who writes what is about no order: whose profile the seller has, else the first that notifies."""
    profile = sandbox.seller.settings.ipn_profile
    notifying = [provider for provider in sandbox.runtime.providers.values() if provider.notify is not None]
    notifying.sort(key=lambda provider: profile not in provider.retry_profiles)
    if not notifying:
        raise Conflict("No provider sends notifications.", code="notification.no_provider")
    return notifying[0].name
