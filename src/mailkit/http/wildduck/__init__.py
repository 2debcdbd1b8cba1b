"""WildDuck's REST dialect (1.45) at the root, over mailkit's services.

`routes` lists the operations, `fields` what a parameter may be, `errors` how the domain's codes are told; the other
modules hold the operations of one tag each.
"""
