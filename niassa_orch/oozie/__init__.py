"""The Oozie server: its documents and its HTTP."""
