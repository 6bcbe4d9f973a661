"""Licences are recognised by any spelling, and those that do not mix are named."""

import pytest

from c2s_assets.core.releases.licences import licence_problems, read_licence, unread_licences


@pytest.mark.parametrize(
    ("stated", "key"),
    [
        ("CC BY 4.0", "cc-by-4.0"),
        ("cc-by-4.0", "cc-by-4.0"),
        ("CC-BY", "cc-by"),
        ("https://creativecommons.org/licenses/by/4.0/", "cc-by-4.0"),
        ("http://creativecommons.org/licenses/by-nc-sa/3.0/legalcode", "cc-by-nc-sa-3.0"),
        ("Creative Commons Attribution 4.0 International License", "cc-by-4.0"),
        ("Creative Commons Attribution-NonCommercial-NoDerivatives 4.0 International", "cc-by-nc-nd-4.0"),
        ("CC0 1.0", "cc0-1.0"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "cc0-1.0"),
        ("MIT", "mit"),
        ("Apache 2.0", "apache-2.0"),
        ("as the authors' letter says", "as-authors-letter-says"),
    ],
)
def test_a_licence_has_one_key_in_all_spellings(stated: str, key: str) -> None:
    assert read_licence(stated).key == key


def test_the_hub_is_told_a_name_that_it_knows_or_an_id() -> None:
    assert read_licence("CC BY-NC 4.0").on_the_hub == {"license": "cc-by-nc-4.0"}
    assert read_licence("As the sources").on_the_hub == {"license": "other", "license_name": "as-sources"}
    assert read_licence("?").on_the_hub == {"license": "other", "license_name": "other"}


def test_the_address_of_a_licence_is_that_of_its_version() -> None:
    assert read_licence("CC BY-SA 4.0").address == "https://creativecommons.org/licenses/by-sa/4.0/"
    assert read_licence("CC0 1.0").address == "https://creativecommons.org/publicdomain/zero/1.0/"
    assert read_licence("CC BY").address is None
    assert read_licence("MIT").address is None


@pytest.mark.parametrize(
    ("whole", "source", "says"),
    [
        ("CC BY 4.0", "CC BY-NC 4.0", "forbids commercial use"),
        ("CC BY-NC 4.0", "CC BY-NC-SA 4.0", "demands that the whole is under it"),
        ("CC BY 4.0", "CC BY-SA 4.0", "and not CC BY 4.0"),
        ("CC BY-ND 4.0", "CC BY-ND 4.0", "lets nobody publish what was made of the data"),
        ("CC0 1.0", "MIT", "demands to name its authors"),
        ("MIT", "ODbL", "demands that the whole is under it"),
    ],
    ids=["NC", "SA beside NC", "SA", "ND whatever the whole is", "BY in the public domain", "ODbL"],
)
def test_terms_that_do_not_mix_are_named_with_their_dataset(whole: str, source: str, says: str) -> None:
    (problem,) = licence_problems(whole, {"lung": source})
    assert f"{source} of lung " in problem
    assert says in problem


@pytest.mark.parametrize(
    ("whole", "source"),
    [
        ("CC BY 4.0", "CC0 1.0"),
        ("CC BY-NC-SA 4.0", "CC BY-NC 4.0"),
        ("CC BY-SA 4.0", "https://creativecommons.org/licenses/by-sa/4.0/"),
        ("CC BY-SA 4.0", "CC BY 4.0"),
        ("by permission", "CC BY-NC 4.0"),
        (None, "CC BY-NC 4.0"),
    ],
)
def test_terms_that_mix_are_no_problem(whole: str | None, source: str) -> None:
    assert licence_problems(whole, {"lung": source}) == []


def test_two_that_both_want_to_be_the_whole_are_named() -> None:
    problems = licence_problems("CC BY-SA 4.0", {"a": "CC BY-SA 4.0", "b": "CC BY-NC-SA 4.0"})
    assert "each of CC BY-SA 4.0 and CC BY-NC-SA 4.0 demands to be the licence of the whole" in problems[-1]


def test_an_unknown_licence_says_how_to_state_it() -> None:
    (problem,) = licence_problems("CC BY 4.0", {"a": None, "b": None, "c": "MIT"})
    assert problem.startswith("nobody knows the licence of 2 datasets, such as a.")
    assert "datasets: {a: {licence: CC BY 4.0}}" in problem


def test_terms_that_nobody_here_can_read_are_named_and_not_judged() -> None:
    assert unread_licences(["by permission", "MIT", None]) == ["by permission"]
    assert licence_problems("CC BY 4.0", {"a": "by permission"}) == []
