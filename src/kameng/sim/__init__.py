"""Stand-ins for the outside, each a process of its own that speaks the true protocol; nothing imports them."""
