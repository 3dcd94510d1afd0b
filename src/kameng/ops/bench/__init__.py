"""`kameng bench`: drives a running gateway, measures it and its limits, and reports.

    shots      what is sent: signed orders, single and bulk
    load       the closed-loop client: many connections, little CPU
    tally      what the client counted
    runner     the client in a process of its own
    echo       the limits: an empty ASGI app under the same server, a plain COPY
    machine    what it ran on, and which process used which share of it
    report     table, JSON and SVG
    workloads  the recipes
    paying     payments begun, and storms of notices
    routing    made-up payment channels, and who chooses best among them

Nothing here is imported by the platform.
"""
