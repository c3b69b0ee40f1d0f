"""Masks: what remains of a protected value, and that a short one never leaks (S3-99, S3-119, S4-52)."""

import pytest

from rules.masks import MASKS, mask_account, mask_id_number, mask_name, mask_phone


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("13812344708", "138****4708"),
        (" 13812344708 ", "138****4708"),
        ("0591-87654321", "059****4321"),
        ("1381234470", "**********"),
        ("110", "***"),
        ("", ""),
        (None, ""),
    ],
)
def test_phones(value, shown):
    assert mask_phone(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("350203198507160375", "35*****0375"),
        ("11010519491231002X", "11*****002X"),
        ("M1234567801", "M1*****7801"),
        ("E12345678", "*********"),
        ("12345678", "********"),
        ("", ""),
        (None, ""),
    ],
)
def test_identity_numbers(value, shown):
    assert mask_id_number(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("13812344708", "138****4708"),
        ("１３８１２３４４７０８", "138****4708"),
        ("350203198507160375", "35*****0375"),
        ("11010519491231002x", "11*****002x"),
        ("350203850716021", "35*****6021"),
        ("H12345678", "*********"),
        ("USA110190010112", "US*****0112"),
        ("OrganAdmin12", "OrganAdmin12"),
        ("SchoolAdmin3502030017", "SchoolAdmin3502030017"),
        ("admin", "admin"),
        ("", ""),
        (None, ""),
    ],
)
def test_accounts(value, shown):
    assert mask_account(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("张三丰", "张**"),
        ("张三", "张*"),
        ("欧阳修远", "欧***"),
        ("张", "*"),
        (" 张三 ", "张*"),
        ("𠮷田", "𠮷*"),
        ("", ""),
        (None, ""),
    ],
)
def test_names(value, shown):
    assert mask_name(value) == shown


@pytest.mark.parametrize("name", ["phone", "id_number", "name"])
@pytest.mark.parametrize("length", range(1, 25))
def test_a_mask_never_hides_fewer_characters_than_it_has_stars(name, length):
    value = "123456789012345678901234567890"[:length]
    shown = MASKS[name](value)
    kept = sum(char != "*" for char in shown)
    assert shown.count("*") <= length - kept
    assert kept <= 7
    assert kept < length


def test_every_mask_has_its_name():
    assert {"phone": mask_phone, "id_number": mask_id_number, "account": mask_account, "name": mask_name} == MASKS
