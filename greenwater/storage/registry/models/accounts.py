"""How people prove who they are: PINs, passwords, sessions."""
