"""Pages of everybody: signing in and out, choosing whom to work for, language and theme."""
