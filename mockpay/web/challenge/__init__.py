"""
The issuer's ACS, ``/acs/{acs_token}``: a bank's own pages, in a frame or by themselves.

They need no session: the token in the address is all that a browser brings.
"""

from mockpay.web.challenge.pages import blueprint as blueprint
