"""What says whom to contact is found by what it is called, and is not repeated."""

import pytest

from c2s_assets.core.releases.contacts import find_contact, is_of_contacts


@pytest.mark.parametrize(
    "name",
    ["contact", "Contact_Name", "publication_contact_email", "corresponding author", "E-mail", "contacts"],
)
def test_a_column_of_contacts_is_known_by_its_name(name: str) -> None:
    assert is_of_contacts(name)


@pytest.mark.parametrize("name", ["contact_inhibition", "needs_contact_um", "author_cell_type", "mailbox"])
def test_other_columns_are_not_taken_for_one(name: str) -> None:
    assert not is_of_contacts(name)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("Write to ada@example.org.", "an e-mail address, in 'Write to [e-mail address removed].'"),
        ('{"batch": 1, "contact_name": "Ada Doe"}', "whom to contact, behind 'contact_name'"),
        ("Blood cells. Contact: Ada Doe", "whom to contact, behind 'Contact'"),
        ("Corresponding author: Ada Doe", "whom to contact, behind 'Corresponding author'"),
        ('{"contact_name": ["Ada Doe"]}', "whom to contact, behind 'contact_name'"),
        ('{"contact": {"id": 3, "name": "Ada"}}', "whom to contact, behind 'contact'"),
        ('{"contacts": [[], {"of": {"name": "Ada"}}]}', "whom to contact, behind 'contacts'"),
        ("Blood; corresponding author Ada Doe", "whom to contact, behind 'corresponding author'"),
        ("The corresponding author is Dr. Ada B. Doe.", "whom to contact, behind 'corresponding author'"),
        ("Please contact Ada Doe.", "whom to contact, behind 'Please contact'"),
        ("Write to ada at uni.edu", "an e-mail address, in 'Write to [e-mail address removed]'"),
        ("Write to ada＠uni.edu", "an e-mail address, in 'Write to [e-mail address removed]'"),  # noqa: RUF001
    ],
    ids=[
        *("address", "key", "label", "author", "list", "object", "nested", "author without colon"),
        *("author with titles", "please", "spoken address", "wide sign"),
    ],
)
def test_a_text_that_says_whom_to_contact_is_found(text: str, what: str) -> None:
    assert find_contact(text) == what


@pytest.mark.parametrize(
    "text",
    [
        *("cells in contact: 37 % of all", '{"contact": null}', "Cell-cell contact", "measured @ 37 degrees"),
        *('{"contact": [], "title": "Blood"}', '{"contact": {"n": 3}, "title": "Blood"}', '{"contacts": 3}'),
        *("The corresponding author provided the list.", "labels of the corresponding author (2019)"),
        *("Contact Inhibition Of Growth", "Embryos at E10.5, kept at 37.5 C", "please contact us"),
        "Data are available at cellxgene.cziscience.com, code at github.com/lab/tool.",
    ],
)
def test_a_text_about_something_else_stays(text: str) -> None:
    assert find_contact(text) is None
