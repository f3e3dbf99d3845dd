"""One module a screen, its rules in the ``.kv`` beside it.

The screens of the application are named here and each is loaded when it is first asked for: the first frame shows one.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # for types, and for what reads imports without running them
    from miss_app.ui.screens.browser import BrowserScreen as BrowserScreen
    from miss_app.ui.screens.charter import CharterScreen as CharterScreen
    from miss_app.ui.screens.chat import ChatScreen as ChatScreen
    from miss_app.ui.screens.choose_pin import ChoosePinScreen as ChoosePinScreen
    from miss_app.ui.screens.chooser import ChooserScreen as ChooserScreen
    from miss_app.ui.screens.code import CodeScreen as CodeScreen
    from miss_app.ui.screens.conversations import ConversationsScreen as ConversationsScreen
    from miss_app.ui.screens.devices import DevicesScreen as DevicesScreen
    from miss_app.ui.screens.document_viewer import DocumentViewer as DocumentViewer
    from miss_app.ui.screens.empty import EmptyScreen as EmptyScreen
    from miss_app.ui.screens.identity import IdentityScreen as IdentityScreen
    from miss_app.ui.screens.info import InfoScreen as InfoScreen
    from miss_app.ui.screens.invitation import InvitationScreen as InvitationScreen
    from miss_app.ui.screens.leaving import LeavingScreen as LeavingScreen
    from miss_app.ui.screens.link_device import LinkDeviceScreen as LinkDeviceScreen
    from miss_app.ui.screens.linking import LinkingScreen as LinkingScreen
    from miss_app.ui.screens.locked import LockedScreen as LockedScreen
    from miss_app.ui.screens.new_group import NewGroupScreen as NewGroupScreen
    from miss_app.ui.screens.notifications import NotificationsScreen as NotificationsScreen
    from miss_app.ui.screens.open_ones import OpenOnesScreen as OpenOnesScreen
    from miss_app.ui.screens.people import PeopleScreen as PeopleScreen
    from miss_app.ui.screens.photo_viewer import PhotoViewer as PhotoViewer
    from miss_app.ui.screens.privacy import PrivacyScreen as PrivacyScreen
    from miss_app.ui.screens.profile import ProfileScreen as ProfileScreen
    from miss_app.ui.screens.refused import RefusedScreen as RefusedScreen
    from miss_app.ui.screens.registration import RegistrationScreen as RegistrationScreen
    from miss_app.ui.screens.revoked import RevokedScreen as RevokedScreen
    from miss_app.ui.screens.safety import SafetyScreen as SafetyScreen
    from miss_app.ui.screens.settings import SettingsScreen as SettingsScreen
    from miss_app.ui.screens.waiting import WaitingScreen as WaitingScreen

_PLACES = {
    "BrowserScreen": "browser",
    "CharterScreen": "charter",
    "ChatScreen": "chat",
    "ChoosePinScreen": "choose_pin",
    "ChooserScreen": "chooser",
    "CodeScreen": "code",
    "ConversationsScreen": "conversations",
    "DevicesScreen": "devices",
    "DocumentViewer": "document_viewer",
    "EmptyScreen": "empty",
    "IdentityScreen": "identity",
    "InfoScreen": "info",
    "InvitationScreen": "invitation",
    "LeavingScreen": "leaving",
    "LinkDeviceScreen": "link_device",
    "LinkingScreen": "linking",
    "LockedScreen": "locked",
    "NewGroupScreen": "new_group",
    "NotificationsScreen": "notifications",
    "OpenOnesScreen": "open_ones",
    "PeopleScreen": "people",
    "PhotoViewer": "photo_viewer",
    "PrivacyScreen": "privacy",
    "ProfileScreen": "profile",
    "RefusedScreen": "refused",
    "RegistrationScreen": "registration",
    "RevokedScreen": "revoked",
    "SafetyScreen": "safety",
    "SettingsScreen": "settings",
    "WaitingScreen": "waiting",
}


def __getattr__(name: str) -> Any:
    """The screen called ``name``; AttributeError where there is none."""
    if name not in _PLACES:
        raise AttributeError(f"no screen is called {name}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
    return found


def load_one() -> bool:
    """Load a screen that is not yet; whether there may be another."""
    waiting = next((name for name in _PLACES if name not in globals()), None)
    if waiting is not None:
        __getattr__(waiting)
    return waiting is not None


def load_all() -> None:
    """Load what is not yet, while nobody waits."""
    while load_one():
        pass
