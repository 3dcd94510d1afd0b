"""The schema: forward-only migrations, one number sequence. Run by ``kameng.kit.migrations``."""
