"""What the administrator's commands do: look at the host and put files in place.

The rooms here may read settings and what the service installs; they know nothing of the orchestration, print nothing,
and change nothing unless they say so. Called by the rooms of the command line.
"""
