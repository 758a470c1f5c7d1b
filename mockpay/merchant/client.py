"""A client of Amazon Pay India for Python shops: pay, verify, ask about orders, refund."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Unpack
from urllib.parse import urlsplit

from mockpay.kernel.clock import SECOND, RealClock, SystemClock, rfc3339
from mockpay.kernel.http.calls import HttpCall, HttpReply, Sender
from mockpay.kernel.http.hosts import OutgoingHosts, is_loopback
from mockpay.kernel.http.sender import HttpSender
from mockpay.kernel.ids import entropy
from mockpay.merchant import responses, results
from mockpay.merchant.parameters import Filters, PaymentOptions, filter_params, payment_fields, require
from mockpay.merchant.refunds import Refund, refund_details, refund_params
from mockpay.merchant.transport import RequestsSender
from mockpay.wire import forms
from mockpay.wire.amazonpay.opening import Envelope, Flavour, seal
from mockpay.wire.amazonpay.signing import SIGNATURE_FIELDS, Encoding, sign, string_to_sign
from mockpay.wire.keys import load_public_key
from mockpay.wire.xml import Plain

#: In the real service the payment page and the MWS operations have hosts of their own.
REAL_PAGE_HOST = "amazonpay.amazon.in"
REAL_MWS_URL = "https://mws.amazonservices.in"
API_VERSION = "2013-01-01"


def _sender(base_url: str) -> Sender:
    if is_loopback(urlsplit(base_url).hostname or ""):
        return HttpSender(OutgoingHosts())
    return RequestsSender()


class AmazonPayClient:
    """
    One merchant account's client.

    Args:
        sender: Makes the calls; by default requests, and for a sandbox on this machine a way that neither the
            environment's proxy nor a test's replacement of requests stands in.
        public_key: The service's RSA key: PEM, or base64 on one line as in config.ini; None
            has it fetched by getDynamicConfig when a request is first sealed.
        base_url: Of the sandbox, or ``https://amazonpay.amazon.in``.
        flavour: Which client family to write like; the service answers in kind.
        mws_url: Where the MWS operations are, if not at the base URL.
        page_url: Where buyers' browsers find the payment page, if not at the base URL.
        sandbox: Whether to use the sandbox path of the MWS operations.

    Raises:
        Invalid: code ``key.invalid``.
    """

    def __init__(
        self,
        seller_id: str,
        access_key: str,
        secret_key: str,
        public_key: str | None,
        base_url: str,
        *,
        sender: Sender | None = None,
        flavour: Flavour = Flavour.PHP,
        clock: RealClock | None = None,
        mws_url: str | None = None,
        page_url: str | None = None,
        sandbox: bool = True,
    ) -> None:
        self.seller_id = seller_id
        self.access_key = access_key
        self.flavour = flavour
        self._secret_key = secret_key
        self._public_key = load_public_key(public_key) if public_key else None
        self._base_url = base_url.rstrip("/")
        real = urlsplit(base_url).hostname == REAL_PAGE_HOST
        self._mws_url = (mws_url or (REAL_MWS_URL if real else base_url)).rstrip("/")
        self._page_url = (page_url or base_url).rstrip("/")
        suffix = "_Sandbox" if sandbox else ""
        self._mws_path = f"/OffAmazonPayments{suffix}/{API_VERSION}"
        self._sender = sender or _sender(base_url)
        self._clock = clock or SystemClock()

    # --- paying ---

    def payment_url(
        self, *, amount: str, seller_order_id: str, redirect_url: str, **options: Unpack[PaymentOptions]
    ) -> str:
        """
        Where to send the buyer.

        Raises:
            Invalid: code ``payment.field``: amount, order id or redirect URL is empty.
        """
        require(redirect_url=redirect_url)
        envelope = self._sealed_payment(amount, seller_order_id, options)
        query = envelope.query(redirect_url, self.flavour)
        return f"{self._page_url}/initiatePayment?{query}"

    def signed_payload(self, *, amount: str, seller_order_id: str, **options: Unpack[PaymentOptions]) -> str:
        """
        What a shop's sign endpoint gives its app: ``payload=..&key=..&iv=..``.

        Raises:
            Invalid: code ``payment.field``: amount or order id is empty.
        """
        return self._sealed_payment(amount, seller_order_id, options).query()

    def verify_result(self, params: Mapping[str, str] | str) -> results.PaymentResult:
        """
        Verify and read what came back with the buyer.

        Args:
            params: The query's parameters or the query string itself; parameters that the
                shop put into its own return URL must be taken out before.

        Raises:
            ResultError: a parameter is unknown, missing or empty.
            FormError: the query string is malformed or names a parameter twice.
            SignatureMismatch: the signature is wrong.
        """
        fields = forms.unique(forms.decode_form(params)) if isinstance(params, str) else params
        return results.payment_result(fields, access_key=self.access_key, secret=self._secret_key, flavour=self.flavour)

    def charge_status(self, amazon_order_id: str) -> results.ChargeStatus:
        """
        Ask what a payment came to.

        Raises:
            ServiceError: the service refuses.
            SignatureMismatch: the answer is not signed with this merchant's secret.
            Unreachable: no answer came back.
        """
        require(amazon_order_id=amazon_order_id)
        fields = {"transactionId": amazon_order_id, "transactionIdType": "TRANSACTION_ID"}
        query = self._seal(fields).query()
        reply = self._get(f"{self._base_url}/v2/payments/chargeStatus?{query}")
        response, signature = responses.charge_answer(reply)
        return results.charge_status(response, signature, access_key=self.access_key, secret=self._secret_key)

    # --- asking about orders (MWS operations) ---
    # Each raises ServiceError where the service refuses, Unreachable without an answer.

    def list_order_reference(
        self,
        query_id: str,
        *,
        query_id_type: str = "SellerOrderId",
        payment_domain: str = "IN_INR",
        **filters: Unpack[Filters],
    ) -> responses.OrderReferencePage:
        """
        List the orders of a seller order id; none means it is unknown or never started.

        Raises:
            TypeError: a filter has no such name.
        """
        params = {
            "QueryId": query_id,
            "QueryIdType": query_id_type,
            "PaymentDomain": payment_domain,
            **filter_params(filters),
        }
        return responses.order_reference_page(self._call("ListOrderReference", params))

    def list_order_reference_by_next_token(self, token: str) -> responses.OrderReferencePage:
        """List the page that follows."""
        params = {"NextPageToken": token}
        return responses.order_reference_page(self._call("ListOrderReferenceByNextToken", params))

    def get_order_reference_details(self, amazon_order_id: str) -> responses.OrderReference:
        """Read one order by Amazon's id."""
        params = {"AmazonOrderReferenceId": amazon_order_id}
        return responses.order_reference_details(self._call("GetOrderReferenceDetails", params))

    def get_service_status(self) -> responses.ServiceStatus:
        """Ask how the service is."""
        return responses.service_status(self._call("GetServiceStatus", {}))

    # --- refunding (MWS operations, with India's RefundPayment) ---

    def refund(
        self,
        amazon_order_id: str,
        refund_reference_id: str,
        amount: str,
        currency: str = "INR",
        note: str | None = None,
        soft_descriptor: str | None = None,
    ) -> Refund:
        """
        Ask for a refund; it is Pending at first and settles hours later.

        The same again answers with the first refund, so a lost answer is simply asked for
        once more, with the same reference id and the same values.

        Args:
            refund_reference_id: The shop's own id of it: 1 to 32 letters, digits, - or _.
            amount: Like "100.00".
            note: The SellerRefundNote, where a sandbox takes its simulation strings.

        Raises:
            Invalid: code ``payment.field``: a value breaks a rule of form.
            ServiceError: the service refuses, or its answer holds no refund.
            Unreachable: no answer came back; the refund may have been taken all the same.
        """
        params = refund_params(amazon_order_id, refund_reference_id, amount, currency, note, soft_descriptor)
        return self._refund("RefundPayment", params)

    def get_refund_details(self, amazon_refund_id: str) -> Refund:
        """Ask how a refund stands; raises like `refund`."""
        require(amazon_refund_id=amazon_refund_id)
        return self._refund("GetRefundDetails", {"AmazonRefundId": amazon_refund_id})

    def _refund(self, action: str, params: Mapping[str, str]) -> Refund:
        refund = refund_details(self._call(action, params))
        if refund is None:
            raise responses.ServiceError("", f"The answer of {action} holds no refund.", 200)
        return refund

    def get_dynamic_config(self, key: str = "serverSideSDKPHP") -> str:
        """
        Fetch the service's public key: base64 on one line.

        Raises:
            ServiceError: the answer holds none.
            Unreachable: no answer came back.
        """
        query = forms.encode_form([("key", key)])
        reply = self._get(f"{self._base_url}/getDynamicConfig?{query}")
        public_key = responses.json_object(reply).get("publicKey")
        if reply.status != 200 or not isinstance(public_key, str):
            raise responses.ServiceError("", "The answer holds no public key.", reply.status)
        return public_key

    def _sealed_payment(self, amount: str, seller_order_id: str, options: PaymentOptions) -> Envelope:
        return self._seal(payment_fields(amount, seller_order_id, options))

    def _seal(self, fields: Mapping[str, str]) -> Envelope:
        if self._public_key is None:
            self._public_key = load_public_key(self.get_dynamic_config())
        return seal(
            fields,
            seller_id=self.seller_id,
            access_key=self.access_key,
            secret_key=self._secret_key,
            public_key=self._public_key,
            flavour=self.flavour,
            start_time=self._clock.now() // SECOND,
            entropy=entropy,
        )

    def _call(self, action: str, params: Mapping[str, str]) -> Mapping[str, Plain]:
        fields = {
            "Action": action,
            "AWSAccessKeyId": self.access_key,
            "SellerId": self.seller_id,
            "Timestamp": rfc3339(self._clock.now()),
            "Version": API_VERSION,
            **SIGNATURE_FIELDS,
            **params,
        }
        # The PHP client's, also for a Node shop: the MWS operations take no other.
        encode = Encoding.PHP.percent_encode
        encoded = {name: encode(value) for name, value in fields.items()}
        host = urlsplit(self._mws_url).netloc.lower()
        text = string_to_sign("GET", host, self._mws_path, encoded)
        encoded["Signature"] = encode(sign(self._secret_key, text))
        query = "&".join(f"{name}={value}" for name, value in encoded.items())
        reply = self._get(f"{self._mws_url}{self._mws_path}?{query}")
        return responses.result_of(action, reply)

    def _get(self, url: str) -> HttpReply:
        return self._sender.send(HttpCall("GET", url))
