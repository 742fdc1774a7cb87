"""The connection to the broker, in a process of its own (ADR 16).

    broker ─► paho's thread ─► queue ─► forwarder ═ frames ═► ``InletProcess`` ─► service
    broker ◄─ paho ◄─ orders ◄══════════ frames ═════════════ PUBACKs, acks, commands

Receiving and PUBACKing costs a message twice what decoding and storing does, under the
same interpreter lock. Beside each other, on two cores, they cost once.
"""
