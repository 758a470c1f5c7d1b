"""The hosts that the sandbox impersonates: the names that clients have built in."""

from __future__ import annotations

#: Where Amazon's notification service has its certificates: one host per region.
_REGIONS = """
    us-east-1 us-east-2 us-west-1 us-west-2 us-gov-east-1 us-gov-west-1 ca-central-1 ca-west-1
    mx-central-1 sa-east-1 eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-1
    eu-west-2 eu-west-3 il-central-1 me-central-1 me-south-1 af-south-1 ap-east-1 ap-east-2
    ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2 ap-southeast-1
    ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7
""".split()

#: Every name, once: the tunnel's list, the leaf's names and what the authority may vouch for.
#: The regions are written out because a name constraint knows no wildcard in the middle, and
#: all of amazonaws.com would be far too much to be trusted with.
HOSTS = (
    "amazonpay.amazon.in",
    "mws.amazonservices.in",
    "mws.amazonservices.com",
    "mws.amazonservices.jp",
    "mws-eu.amazonservices.com",
    "test.payu.in",
    "secure.payu.in",
    "info.payu.in",
    "api.razorpay.com",
    "api.stripe.com",
    *(f"sns.{region}.amazonaws.com" for region in _REGIONS),
)
_HOST_SET = frozenset(HOSTS)


def is_impersonated(host: str) -> bool:
    """Whether the sandbox answers for this host name, in any spelling."""
    return host.lower().rstrip(".") in _HOST_SET
