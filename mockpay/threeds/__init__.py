"""
3-D Secure 2.2, one module a role, with message objects between them.

`requestor` is the 3DS Server on the seller's side, `directory` the networks' switch, `access`
and `acs` the issuer's access control server (first answer, challenge), `results` where the
3DS Server takes the issuer's word, `issuer` who makes and checks the CAVV.  `steps` writes
transitions, messages and the timeline.  No role reads another's state but by messages and the
authentication's own row.
"""
