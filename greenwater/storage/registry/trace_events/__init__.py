"""Trace events in the registry: appended to a ledger, signed by the day, found again.

``ledger`` appends and chains them, ``roots`` keeps the days' signed heads; ``epcis`` takes
them in and gives them out, ``terms`` and ``finding`` say which are asked for, quickly where
``word_pairs`` knows that none is; ``genealogy``, ``chains`` and ``handed_chains`` walk from
goods to what they were made of, through one hand or several.
"""
