"""The commands: each reads its options, calls one thing, prints, and leaves with a documented exit code; no logic.

``beginning`` is what all begin with, ``asking`` the way of most to the running service. Gathered by ``cli``.
"""
