"""
The encryption envelope of a payment request: everything others need, on one page.

AES-GCM over a form that is signed and percent-encoded twice; the AES key wrapped by
RSA-OAEP.  `seal` is the merchant's side, `open_` the server's.
"""

from mockpay.wire.flavours import Flavour as Flavour
from mockpay.wire.opening import EnvelopeContentError as EnvelopeContentError
from mockpay.wire.opening import EnvelopeEncodingError as EnvelopeEncodingError
from mockpay.wire.opening import EnvelopeError as EnvelopeError
from mockpay.wire.opening import EnvelopeParameterError as EnvelopeParameterError
from mockpay.wire.opening import EnvelopeParameters as EnvelopeParameters
from mockpay.wire.opening import EnvelopeTooLarge as EnvelopeTooLarge
from mockpay.wire.opening import Opened as Opened
from mockpay.wire.opening import open_ as open_
from mockpay.wire.opening import read_parameters as read_parameters
from mockpay.wire.sealing import Envelope as Envelope
from mockpay.wire.sealing import seal as seal
