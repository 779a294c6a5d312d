"""Stand-ins of the web service, of Oozie and of the seqware command, for trying and testing without a cluster."""
