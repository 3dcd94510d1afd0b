"""A gateway's process that knows the bank on loopback, too: the main module of who kills one."""

from __future__ import annotations

import payments.bank  # noqa: F401  # its protocol is known from then on
from kameng.ops.gateway import main

if __name__ == "__main__":
    main()
