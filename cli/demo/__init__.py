"""`greenwater demo`: simulated farms and boats, played on a whole platform of this machine.

``running`` is the command; ``simulation`` plays scenarios beside a platform (tests do too),
``registration`` tells the platform of them. The others are whom and what the demo adds:
a shrimp farm and its goods, a tuna boat and its positions, the offices that decide, phones.
"""
