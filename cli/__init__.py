"""The `greenwater` command, and the supervisor that keeps a platform running."""
