"""Pages of people: coming in, their own accounts and data, the administrator's."""
