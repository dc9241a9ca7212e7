"""For Python programs: the login as a value, and a provider for long-lived processes."""
