"""Niassa's launching and status propagation for many accounts of one execution host, in one process."""

__version__ = "0.1.0"
