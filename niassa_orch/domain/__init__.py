"""What the orchestration talks about: accounts, runs, jobs and the rules between them. Frozen, pure, no await."""
