"""The commands of ``kameng``, by what they are about. Each module's ``add`` names its commands to the parser."""
