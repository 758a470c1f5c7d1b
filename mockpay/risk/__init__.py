"""
The risk check: rules, the rows that they count, and the decision on an attempt (`assessment`).

May use the store and the domain.  It only decides; what a decision means for the attempt is the
business of services/payments.
"""
