"""Pages of the shops: what consumers see."""
