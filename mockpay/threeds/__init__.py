"""
3-D Secure 2.2: one module a role, with message objects between them.

`requestor` is the 3DS Server on the seller's side; `directory_server` the networks' switch, with the
issuer's first answer and its CAVV behind it; `acs` the issuer's challenge and that page.  `messages` has
the texts on the wire, `rules` what a status means, `threeds_table` the rows, the log and what follows from
each step.  No role reads another's state but by messages and the authentication's own row; none moves an
attempt, which is the business of services/payments.
"""
