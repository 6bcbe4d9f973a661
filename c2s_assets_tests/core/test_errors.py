from c2s_assets.core.errors import C2SError


def test_a_message_is_said_as_it_is() -> None:
    message = "obs has no column donor_id. Add it to the h5ad." * 40
    assert str(C2SError(message)) == message


def test_of_a_long_message_the_beginning_and_the_way_out_are_said() -> None:
    said = str(C2SError(f"obs has no column {'x' * 64_000}. Add it to the h5ad."))
    assert len(said) == 4_000
    assert said.startswith("obs has no column xxx")
    assert said.endswith("xxx. Add it to the h5ad.")
    assert " … " in said
