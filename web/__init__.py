"""The site. Synchronous: the framework's thread pool runs the routes.

``app`` joins ``pages`` (HTML) and ``api`` (JSON); ``facts`` asks the stores; ``board``,
``cards``, ``charts``, ``tracks``, ``drawn``, ``formats`` and ``words`` decide, without
I/O, what is shown; ``server`` listens. Templates receive ``views``: strings already
decided.
"""
