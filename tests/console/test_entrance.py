"""The way into the console: two passkeys by a one-time link, login, and all that is refused."""

from playwright.sync_api import expect

from console.conftest import NewDesk


def test_two_passkeys_by_a_one_time_link_then_login_with_either(desk: NewDesk) -> None:
    one = desk()
    link = one.invite()
    one.page.goto(link)
    assert "#" not in one.page.url  # the secret is out of the address at once
    one.plug_in()
    one.page.get_by_role("button", name="Créer ma première clé d’accès").click()
    one.page.wait_for_url("**/passkeys")
    expect(one.page.get_by_text("Il vous faut deux clés d’accès")).to_be_visible()
    one.page.goto("/")  # nothing else is open before
    assert one.page.url.endswith("/passkeys")
    one.plug_in()
    one.add_passkey()
    expect(one.page.get_by_role("row")).to_have_count(3)
    one.page.goto("/")
    expect(one.page.get_by_role("heading", name="Accueil")).to_be_visible()
    one.log_out()
    for authenticator in (0, 1):
        one.use(authenticator)
        one.log_in()
        expect(one.page.get_by_role("heading", name="Accueil")).to_be_visible()
        one.log_out()
