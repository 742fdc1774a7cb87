"""GS1's element strings and Digital Links, strictly: nothing in, nothing out that is wrong."""
