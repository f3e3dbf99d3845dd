"""The adapters for Android speak to the documented Java classes, and bear every answer."""

import pytest

from miss_app.device import Device
from miss_app.engine.problems import Problem
from miss_app.ports.android import pictures
from miss_app.ports.android.keystore import AndroidKeystore
from miss_app.ports.android.pictures import AndroidCamera, AndroidPhotoPicker
from miss_app.ports.android.screen_guard import AndroidScreenGuard
from ports.java import Telephone

SECRET = bytes(range(256))


@pytest.fixture
def phone(tmp_path, monkeypatch):
    one = Telephone(tmp_path)
    one.plug_in(monkeypatch)
    return one


def test_secrets_are_sealed_by_a_key_of_the_keystore(phone, tmp_path, monkeypatch):
    monkeypatch.setenv("ANDROID_PRIVATE", str(tmp_path / "files"))
    store = Device("android").secure_store()
    assert store.usable()
    assert store.get("lea/share") is None
    store.put("lea/share", SECRET)
    store.put("karim/share", b"")
    assert AndroidKeystore(tmp_path / "no_backup/miss").get("lea/share") == SECRET
    assert store.get("karim/share") == b""
    (made,) = phone.said
    assert made == (
        "key",
        {"alias": "miss.secrets", "purposes": 3, "modes": ("GCM",), "paddings": ("NoPadding",), "bits": 256},
    )
    files = sorted((tmp_path / "no_backup/miss").iterdir())
    assert len(files) == 2
    assert not any(SECRET in one.read_bytes() or "lea" in one.name for one in files)
    # One secret in the place of another, an altered one, another telephone's key: refused.
    lea, karim = (store._file(name) for name in ("lea/share", "karim/share"))
    kept = lea.read_bytes()
    karim.write_bytes(kept)
    for damaged in (kept[:-1], kept[:5], b"", bytes([kept[0] ^ 1]) + kept[1:]):
        lea.write_bytes(damaged)
        with pytest.raises(Problem, match="keystore-refused"):
            store.get("lea/share")
    with pytest.raises(Problem, match="keystore-refused"):
        store.get("karim/share")
    lea.write_bytes(kept)
    store.erase("karim/share")
    store.erase("karim/share")
    assert store.get("karim/share") is None
    phone.keys.clear()
    with pytest.raises(Problem, match="keystore-refused"):
        store.get("lea/share")


def test_a_telephone_without_a_keystore_says_so(phone, tmp_path):
    def refuse(_kind):
        raise RuntimeError("KeyStoreException")

    phone.classes["java.security.KeyStore"].getInstance = staticmethod(refuse)
    store = AndroidKeystore(tmp_path)
    assert not store.usable()
    with pytest.raises(Problem, match="keystore-refused"):
        store.put("x", b"y")


def test_the_screen_is_guarded_on_its_own_thread(phone):
    guard = Device("android").screen_guard()
    assert isinstance(guard, AndroidScreenGuard)
    assert Device("linux").screen_guard() is None
    guard.guard(True)
    assert phone.flags == 0x2000
    guard.guard(False)
    assert phone.flags == 0


def asked():
    got, gave_up = [], []
    return got, gave_up, (got.append, lambda: gave_up.append(1))


def test_a_photo_is_picked_without_a_permission(phone, tmp_path, monkeypatch):
    (tmp_path / "picked").write_bytes(b"JPEG")
    phone.offered["content://picker/1"] = tmp_path / "picked"
    picker = AndroidPhotoPicker()
    got, gave_up, both = asked()
    picker.pick(*both)
    assert phone.said == [("asked", "android.provider.action.PICK_IMAGES", phone.code)]
    assert phone.intent.type == "image/*"
    phone.answer(phone.code + 1, -1, "content://picker/1")  # of another question
    assert got == []
    phone.answer(phone.code, -1, "content://picker/1")
    assert (got, gave_up, phone.listeners) == ([b"JPEG"], [], [])
    for result, uri in ((0, None), (-1, None), (0, "content://picker/1"), (-1, "content://gone")):
        got, gave_up, both = asked()
        picker.pick(*both)
        phone.answer(phone.code, result, uri)
        assert (got, gave_up, phone.listeners) == ([], [1], [])
    monkeypatch.setattr(pictures, "BYTES_MAX", 3)
    got, gave_up, both = asked()
    picker.pick(*both)
    phone.answer(phone.code, -1, "content://picker/1")
    assert (got, gave_up) == ([], [1])


def test_a_photo_is_taken_into_private_storage_and_erased(phone, tmp_path):
    camera, file = AndroidCamera(tmp_path / "cache"), tmp_path / "cache/camera/photo.jpg"
    got, gave_up, both = asked()
    camera.take(*both)
    assert phone.said == [("asked", "android.media.action.IMAGE_CAPTURE", phone.code)]
    assert phone.intent.extras == {
        "output": ("android.os.Parcelable", "content://org.miss.miss.camera/camera/photo.jpg")
    }
    assert phone.intent.flags == 2
    file.write_bytes(b"JPEG")
    phone.answer(phone.code, -1)
    assert (got, gave_up, phone.listeners) == ([b"JPEG"], [], [])
    assert not file.exists()
    for result, written in ((0, b"half"), (-1, b""), (-1, None)):
        got, gave_up, both = asked()
        camera.take(*both)
        if written is not None:
            file.write_bytes(written)
        phone.answer(phone.code, result)
        assert (got, gave_up) == ([], [1])
        assert not file.exists()


def test_where_no_program_answers_the_chat_goes_on(phone, tmp_path):
    phone.nobody = True
    for ask in (AndroidPhotoPicker().pick, AndroidCamera(tmp_path / "cache").take):
        got, gave_up, both = asked()
        ask(*both)
        assert (got, gave_up, phone.listeners) == ([], [1], [])


def test_a_telephone_has_both_and_a_desktop_neither(phone, tmp_path, monkeypatch):
    monkeypatch.setenv("ANDROID_PRIVATE", str(tmp_path / "files"))
    assert isinstance(Device("android").photo_picker(), AndroidPhotoPicker)
    Device("android").camera().take(*asked()[2])
    assert (tmp_path / "cache/camera").is_dir(), "in the folder that the provider gives out"
    for system in ("linux", "windows", "macos", "ios"):
        assert Device(system).photo_picker() is None
        assert Device(system).camera() is None
