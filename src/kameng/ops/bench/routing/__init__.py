"""`kameng bench routing`: channels that don't stand still, made up from a seed, and who chooses best among them.

world       what happens to channels and customers, drawn from a seed
simulation  a policy meets a world; the oracle, regret, how soon outages are left
baselines   other routers, written from their published descriptions
tuned       what they were tuned to, and the grids
smart       Kameng's own router, as the platform would drive it
command     tables, tuning
"""
