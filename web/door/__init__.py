"""Who is there and what he may do: sessions, tokens, forged requests, the audit log."""
