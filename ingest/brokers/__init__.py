"""What each broker must be told so that a device touches only its own branch.

``plan`` says who may do what and where the broker listens, ``nats`` and ``mosquitto``
render that (pure), ``applying`` writes the files and tells the broker, ``tls`` keeps the
platform's own certificate authority.
"""
