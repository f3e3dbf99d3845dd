"""The table of checks is true: every function and every test it names exists, and it names every refusing test."""

import ast
import importlib
import re
from dataclasses import replace
from pathlib import Path

import pytest

import miss_protocol.mls
from miss_protocol.errors import RemoteError
from miss_protocol.mls.codec import Writer, decode
from miss_protocol.mls.extensions import Credential, Extension, read_extensions, write_extensions
from miss_protocol.mls.messages import decode_message, encode_message
from miss_protocol.mls.nodes import LeafSource
from miss_protocol.mls.proposals import Commit, SelfRemove, read_proposal
from miss_protocol.mls.schedule import GroupContext, PskId
from miss_protocol.mls.suite import PRODUCT_SUITE
from mls.cast import NOT_AFTER, NOT_BEFORE, Device

HERE = Path(__file__).parent
TABLE = Path(miss_protocol.mls.__file__).parent / "CHECKS.md"


def rows():
    for line in TABLE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and cells[0] not in ("section", "---"):
            yield cells


def functions_of(path):
    return {node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("row", list(rows()), ids=lambda row: row[1][:60])
def test_a_row_names_what_exists(row):
    section, check, function, test, both = row
    assert section
    assert check
    assert both in ("", "both")
    module, *names = function.strip("`").split(".")
    found = importlib.import_module(f"miss_protocol.mls.{module}")
    for name in names:
        found = getattr(found, name)
    assert callable(found) or isinstance(found, property)
    file, name = test.strip("`").split(".")
    assert name in functions_of(HERE / f"{file}.py")


def test_the_table_leaves_no_refusal_out():
    named = {row[3].strip("`") for row in rows()}
    for file in ("test_refused_commits", "test_refused_proposals", "test_refused_messages", "test_refused_joins"):
        silent = {name for name in functions_of(HERE / f"{file}.py") if name.startswith("test_")}
        silent -= {one.split(".")[1] for one in named if one.startswith(file)}
        assert silent <= {"test_the_door_opens"}, file
    assert len(named) > 45


def test_sections_are_cited_where_they_are_obeyed():
    """Every module of a chapter says which chapter that is."""
    for path in TABLE.parent.glob("*.py"):
        if path.stem not in ("__init__", "group", "member", "policy", "public_group", "signatures", "epoch"):
            assert re.search(r"RFC 9420|RFC 9180", path.read_text()), path.name


def test_an_extension_stands_once():
    out = Writer()
    write_extensions(out, [Extension(0xF0AB, b"one"), Extension(0xF0AB, b"two")])
    with pytest.raises(RemoteError, match="twice"):
        decode(out.bytes(), read_extensions)


def test_a_message_is_of_a_known_kind():
    whole = encode_message(Device("zoe").package())
    for start, reason in ((b"\0\1\0\0", "malformed"), (b"\0\1\0\6", "malformed"), (b"\0\2\0\5", "unsupported")):
        with pytest.raises(RemoteError, match=reason):
            decode_message(start + whole[4:])
    assert encode_message(decode_message(whole)) == whole


def test_a_proposal_is_of_a_known_kind():
    for data in (b"\0\0", b"\0\x0b", b"\xf0\0"):
        with pytest.raises(RemoteError, match="unsupported"):
            decode(data, read_proposal)
    assert decode(b"\0\x0a", read_proposal) == SelfRemove()
    with pytest.raises(RemoteError, match="proposal or reference"):
        decode(b"\2\3\0\0", Commit.read)


def test_contexts_and_pre_shared_keys_are_of_known_kinds():
    context = GroupContext(PRODUCT_SUITE, b"group", 1, bytes(32), b"", ())
    assert GroupContext.decode(context.encoded) == context
    for version, suite in ((b"\0\2", b"\0\1"), (b"\0\0", b"\0\1"), (b"\0\1", b"\0\x63")):
        with pytest.raises(RemoteError, match="unsupported"):
            GroupContext.decode(version + suite + context.encoded[4:])
    for data in (b"\0\0\0", b"\3\0\0", b"\2\0\0" + bytes(9), b"\2\4\0" + bytes(9)):
        with pytest.raises(RemoteError, match=r"pre-shared key|resumption key"):
            decode(data, PskId.read)
    assert decode(b"\1\1x\1y", PskId.read) == PskId(kind=1, nonce=b"y", psk_id=b"x")


def test_a_credential_is_of_a_known_kind():
    for data, reason in ((b"\0\x03\0", "unsupported"), (b"\0\x02\0", "malformed"), (b"\0\x02\x05\x01", "malformed")):
        with pytest.raises(RemoteError, match=reason):
            decode(data, Credential.read)
    assert decode(b"\0\x02\x03\x02ab", Credential.read) == Credential.x509(b"ab")


def test_a_lifetime_is_told():
    package = Device("zoe").package()
    assert (package.lifetime.not_before, package.lifetime.not_after) == (NOT_BEFORE, NOT_AFTER)
    leaf = replace(package.leaf, source=LeafSource.UPDATE, lifetime=None)
    with pytest.raises(RemoteError, match="bad-leaf"):
        assert replace(package, leaf=leaf).lifetime
