import pytest

from services.masking import mask_name, mask_phone


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("សុខា", "សុ•••"),
        ("ស្រីមុំ ចាន់", "ស្រី•••"),
        (" Sokha", "S•••"),
        ("", "•••"),
    ],
)
def test_a_name_keeps_its_first_letter_whole(name: str, masked: str) -> None:
    assert mask_name(name) == masked


def test_names_of_all_lengths_look_alike() -> None:
    assert mask_name("Sok") == mask_name("Sok Sreymom Chan")


def test_a_number_keeps_three_digits() -> None:
    assert mask_phone("+85512345678") == "•••678"
