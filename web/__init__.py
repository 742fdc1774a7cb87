"""The site. Synchronous: the framework's thread pool runs the routes.

``app`` joins the rooms' pages (HTML) and ``api`` (JSON); ``views`` decide, without
requests, what is shown: strings already decided; ``door`` knows who is there; ``pages``
renders templates; ``server`` listens. Rooms are listed in docs/architecture.md.
"""
