"""Messaging Layer Security, RFC 9420: one chapter a module, pure steps on immutable state.

In the order in which they are best read, each built on those before it:

- ``codec``, ``hpke``, ``signatures``, ``suite``: bytes and primitives (chapters 2 and 5, RFC 9180);
- ``extensions``, ``nodes``, ``treemath``, ``tree``, ``treekem``: the ratchet tree (chapters 4, 7, 10, 13);
- ``schedule``, ``ratchets``: from one epoch's secrets to the key of one message (chapters 8 and 9);
- ``proposals``, ``framing``, ``welcome``, ``messages``: what travels (chapters 6 and 12);
- ``epoch``, ``validation``, ``commits``: the public half of a group, and what a commit does to it (chapter 12);
- ``member``, ``application``, ``joining``, ``handshakes``, ``rejoin``: a member's half (chapters 11, 12, 15);
- ``policy``: who may commit what in this product;
- ``group`` and ``public_group``: the two doors, a member's and the server's.

``CHECKS.md`` says where each check of the standard is made and which test proves it.
"""
