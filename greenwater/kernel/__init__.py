"""The words of the domain. No I/O, no framework, no service's private concern."""
