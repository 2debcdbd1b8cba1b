"""Stalwart's management API (0.12) below `/api`, over mailkit's services.

`routes` lists the operations, `fields` what a parameter may be, `errors` how the domain's codes are told; the other
modules hold the operations of one group each.
"""
