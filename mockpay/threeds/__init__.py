"""
3-D Secure 2.2, one module a role, with message objects between them.

`requestor` is the 3DS Server on the seller's side, `directory_server` the networks' switch,
`acs_decision` and `acs` the issuer's access control server (first answer, challenge), `results`
where the 3DS Server takes the issuer's word, `issuer` who makes and checks the CAVV.
`transitions` has what follows from each step, and the log of messages.  No role reads another's
state but by messages and the authentication's own row; none moves an attempt, which is the
business of services/payments.
"""
