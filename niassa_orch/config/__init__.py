"""Process settings, account profiles and credentials, as files and environment give them."""
