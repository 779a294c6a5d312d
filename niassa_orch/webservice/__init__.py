"""The Niassa web service: its documents and its HTTP."""
