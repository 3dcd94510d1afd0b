"""The words everyone speaks: ids, money, clock, errors, database, lanes, sealing, jobs.

Contexts import its modules by name (``from kameng.kit import ids, money``); nothing here knows a
context, and nothing here knows the web framework.
"""
