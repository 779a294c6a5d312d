"""The seqware command: how it is called as an account's Unix user, and what its transcript says."""
