"""The orchestration itself: workers of accounts, their cycles, launches and propagation."""
