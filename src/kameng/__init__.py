"""Kameng (卡盟): the open platform for digital goods. Architecture: docs/architecture.md."""
