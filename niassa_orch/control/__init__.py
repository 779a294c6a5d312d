"""The control socket: how commands and ``niassa-orch top`` talk to the running service, and it to them.

HTTP and JSON over a Unix socket. ``server`` answers, ``client`` asks, ``documents`` is what both write and read,
``place`` is where the socket lies, ``peers`` says who asks. Nothing here decides: ``core.operating`` does.
"""
