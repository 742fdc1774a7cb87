"""Dated rules and code lists that several services share.

A table is a TOML file beside the module that reads it; each row says its source, what it
rests on, whether a person has verified it and, where it changes, the dates it holds between.
"""
