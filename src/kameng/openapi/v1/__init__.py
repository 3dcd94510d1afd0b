"""Version 1 of the Open API: its endpoints, its wire types, its document."""
