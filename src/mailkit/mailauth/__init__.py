"""Message authentication."""
