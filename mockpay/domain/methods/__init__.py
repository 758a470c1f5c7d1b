"""Methods of payment: one module a method, what each accepts, and the registry of all."""
