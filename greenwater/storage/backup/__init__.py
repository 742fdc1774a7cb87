"""Backup and restore: all that the platform keeps, in one file (docs/backup.md)."""
