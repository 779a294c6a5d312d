"""A reader of crontabs' commands and of the scripts that they call; it never runs anything.

Called by ``crontabs``, and by ``reading``, which gives it the texts.
"""
