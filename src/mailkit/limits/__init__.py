"""Limits: how often something may happen in a window of time."""
