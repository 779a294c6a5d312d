"""What was begun and how it ended, on disk before anything irreversible happens: launches, and acts on Oozie's jobs."""
