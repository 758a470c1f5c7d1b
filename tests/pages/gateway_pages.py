"""The dashboard's pages about gateways, of a seller whose cards go to one that is in trouble."""

NAMES = {
    "dashboard-gateway-health": 200,
    "dashboard-gateway-health-none": 200,
    "dashboard-gateway-faults": 200,
    "dashboard-gateway-faults-none": 200,
    "dashboard-gateway-dry-run": 200,
    "dashboard-gateway-dry-run-wrong": 422,
    "dashboard-gateway-accounts": 200,
    "dashboard-gateway-calls": 200,
    "dashboard-gateway-calls-none": 200,
    "dashboard-gateway-calls-wrong": 422,
    "dashboard-gateway-call": 200,
    "dashboard-gateway-call-lost": 200,
}
_CARD = {"method": "card", "number": "4111111111111111", "expiry": "08/29", "cvv": "123", "name": "Asha Rao"}


def gateway_pages(server):
    """The address of each page."""
    seller = server.new_seller()
    seller.freeze("2026-11-20T09:30:00Z")
    rule = {"name": "cards", "targets": [{"gateway": "razorpay"}], "fallbacks": ["simulator"]}
    seller.control("PUT", "/routing", {"rules": [rule]})
    _pay(seller)
    seller.control("POST", "/gateways/razorpay/faults", {"fault": "timeout_after", "operation": "CHARGE", "times": 1})
    _pay(seller)
    seller.control("POST", "/gateways/razorpay/faults", {"fault": "refuse", "seconds": 600})
    seller.control("POST", "/gateways/razorpay/faults", {"fault": "latency", "times": 3, "probability": 0.5})
    seller.control("PUT", "/gateways/razorpay/breaker", {"force": "open"})
    own = {"key": "own-key-of-payu", "salt": "own-salt-of-payu-long"}
    account = {"enabled": False, "endpoint": "http://127.0.0.1:9/payu", "credentials": own}
    seller.control("PUT", "/gateways/payu", account)
    charges = seller.control("GET", "/gateway-calls?operation=CHARGE")["items"]
    lost, answered = (each["call_id"] for each in charges)
    here = seller.dashboard.removesuffix("/orders")
    nobody = server.new_seller().dashboard.removesuffix("/orders")
    return {
        "dashboard-gateway-health": f"{here}/gateway-health",
        "dashboard-gateway-health-none": f"{nobody}/gateway-health",
        "dashboard-gateway-faults": f"{here}/gateway-faults",
        "dashboard-gateway-faults-none": f"{nobody}/gateway-faults",
        "dashboard-gateway-dry-run": f"{here}/gateway-faults?amount=499.00&method=card&network=Visa",
        "dashboard-gateway-dry-run-wrong": f"{here}/gateway-faults?amount=x&method=card",
        "dashboard-gateway-accounts": f"{here}/gateway-accounts?saved=razorpay",
        "dashboard-gateway-calls": f"{here}/gateway-calls",
        "dashboard-gateway-calls-none": f"{here}/gateway-calls?operation=REFUND",
        "dashboard-gateway-calls-wrong": f"{here}/gateway-calls?status=x",
        "dashboard-gateway-call": f"{here}/gateway-calls/{answered}",
        "dashboard-gateway-call-lost": f"{here}/gateway-calls/{lost}",
    }


def _pay(seller):
    order_id = seller.open_order("499.00")
    seller.control("POST", f"/orders/{order_id}/pay", _CARD)
    seller.control("POST", f"/orders/{order_id}/pay", {"otp": "123456"})
    seller.wait_for("order.PAID", order_id=order_id)
