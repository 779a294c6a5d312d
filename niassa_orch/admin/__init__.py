"""What the administrator's commands do: look at the host, say what is wrong, put files in place.

Nothing here prints, and nothing is changed unless a room says so. Called by the rooms of the command line.
"""
