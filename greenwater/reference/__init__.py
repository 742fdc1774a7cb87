"""Dated rules and code lists that several services share.

Here now: vessel classes, species, limits of water quality. Reserved for sea zones, ports, gear and
VietGAP criteria, each with its source and the dates it holds between.
"""
