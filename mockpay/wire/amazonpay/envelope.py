"""
The encryption envelope of a payment request: everything others need, on one page.

AES-GCM over a form that is signed and percent-encoded twice; the AES key wrapped by
RSA-OAEP.  `seal` is the merchant's side, `open_envelope` the server's.
"""

from mockpay.wire.amazonpay.opening import EnvelopeContentError as EnvelopeContentError
from mockpay.wire.amazonpay.opening import EnvelopeEncodingError as EnvelopeEncodingError
from mockpay.wire.amazonpay.opening import EnvelopeError as EnvelopeError
from mockpay.wire.amazonpay.opening import EnvelopeParameterError as EnvelopeParameterError
from mockpay.wire.amazonpay.opening import EnvelopeParameters as EnvelopeParameters
from mockpay.wire.amazonpay.opening import EnvelopeTooLarge as EnvelopeTooLarge
from mockpay.wire.amazonpay.opening import OpenedEnvelope as OpenedEnvelope
from mockpay.wire.amazonpay.opening import open_envelope as open_envelope
from mockpay.wire.amazonpay.opening import read_parameters as read_parameters
from mockpay.wire.amazonpay.opening import result_encoding as result_encoding
from mockpay.wire.amazonpay.opening import verify_envelope as verify_envelope
from mockpay.wire.amazonpay.sealing import Envelope as Envelope
from mockpay.wire.amazonpay.sealing import seal as seal
from mockpay.wire.amazonpay.signing import Flavour as Flavour
