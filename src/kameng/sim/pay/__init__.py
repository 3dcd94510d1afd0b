"""Payment providers on loopback: real keys, true signatures, a page to press "pay" on, notices, bills, and faults."""
