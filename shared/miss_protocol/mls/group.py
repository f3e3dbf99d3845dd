"""The door to MLS for a member: every verb takes a group and returns the next one, with what to send."""

from miss_protocol.mls.application import Opened, Sealed, open_message, seal
from miss_protocol.mls.epoch import NEW_MEMBER, OPEN_RULES, PublicView, Resolved, Rules
from miss_protocol.mls.extensions import Capabilities, Credential, Extension, RequiredCapabilities
from miss_protocol.mls.handshakes import (
    Noted,
    Proposed,
    Received,
    Staged,
    commit,
    propose,
    propose_update,
    receive_commit,
    receive_proposal,
)
from miss_protocol.mls.joining import PRODUCT_CAPABILITIES, Joined, create, group_info, join, make_key_package
from miss_protocol.mls.member import Group, Identity, KeyPackageSecrets
from miss_protocol.mls.nodes import KeyPackage, LeafNode
from miss_protocol.mls.proposals import Add, GroupContextExtensions, Proposal, Remove, SelfRemove, Update
from miss_protocol.mls.rejoin import rejoin

__all__ = [
    "NEW_MEMBER",
    "OPEN_RULES",
    "PRODUCT_CAPABILITIES",
    "Add",
    "Capabilities",
    "Credential",
    "Extension",
    "Group",
    "GroupContextExtensions",
    "Identity",
    "Joined",
    "KeyPackage",
    "KeyPackageSecrets",
    "LeafNode",
    "Noted",
    "Opened",
    "Proposal",
    "Proposed",
    "PublicView",
    "Received",
    "Remove",
    "RequiredCapabilities",
    "Resolved",
    "Rules",
    "Sealed",
    "SelfRemove",
    "Staged",
    "Update",
    "commit",
    "create",
    "group_info",
    "join",
    "make_key_package",
    "open_message",
    "propose",
    "propose_update",
    "receive_commit",
    "receive_proposal",
    "rejoin",
    "seal",
]
