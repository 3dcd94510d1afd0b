"""The operator's door: setting up, serving, checking. It may know every context; no context knows it."""
