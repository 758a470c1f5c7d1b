"""
How a client that cannot be told where to go reaches the sandbox: a certificate authority of
our own, a tunnel that knows whom the sandbox stands in for, and the environment of one child.

Loopback only; whatever the sandbox does not stand in for passes through unread.  Nothing here
knows an order, a page or a provider: it may import the kernel only.
"""
