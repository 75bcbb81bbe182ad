"""Tags."""

import uuid

import pytest

from expect import everything, invalid, refused


def tag(key, value="x"):
    return {"TagKey": key, "TagValue": value}


def tags(kms, key):
    return {entry["TagKey"]: entry["TagValue"] for entry in everything(kms, "list_resource_tags", "Tags", KeyId=key)}


def test_k40_tags_are_put_replaced_and_taken_off(kms, keys):
    key = keys.fresh(Tags=[tag("made", "so")])
    kms.tag_resource(KeyId=key, Tags=[tag("colour", "red"), tag("empty", "")])
    assert tags(kms, key) == {"made": "so", "colour": "red", "empty": ""}
    kms.tag_resource(KeyId=key, Tags=[tag("colour", "blue")])
    kms.untag_resource(KeyId=key, TagKeys=["made", "never there"])
    assert tags(kms, key) == {"colour": "blue", "empty": ""}


def test_k40_tags_that_begin_with_aws_are_refused(kms, key):
    for name in ("aws:mine", "AWS:mine"):
        with refused("TagException"):
            kms.tag_resource(KeyId=key, Tags=[tag(name)])
        with refused("TagException"):
            kms.create_key(Tags=[tag(name)])
        with refused("TagException"):
            kms.untag_resource(KeyId=key, TagKeys=[name])


def test_k40_fifty_tags_at_most(kms, key):
    kms.tag_resource(KeyId=key, Tags=[tag(f"t{number}") for number in range(50)])
    kms.tag_resource(KeyId=key, Tags=[tag("t7", "again")])
    with refused("TagException", "LimitExceededException"):
        kms.tag_resource(KeyId=key, Tags=[tag("one more")])
    with refused("TagException", "LimitExceededException"):
        kms.create_key(Tags=[tag(f"t{number}") for number in range(51)])
    assert len(tags(kms, key)) == 50


def test_k40_a_tag_twice_is_refused(kms, key):
    with refused("TagException", "ValidationException"):
        kms.tag_resource(KeyId=key, Tags=[tag("a", "1"), tag("a", "2")])


@pytest.mark.parametrize("wrong", [tag(""), tag("x" * 129), tag("x", "y" * 257), {"TagKey": "x"}])
def test_k40_tags_have_their_lengths(unchecked, key, wrong):
    with invalid("tags"):
        unchecked.tag_resource(KeyId=key, Tags=[wrong])


def test_k22_tags_are_listed_in_pages(kms, key):
    kms.tag_resource(KeyId=key, Tags=[tag(f"t{number}") for number in range(7)])
    page = kms.list_resource_tags(KeyId=key, Limit=3)
    assert len(page["Tags"]) == 3 and page["Truncated"]
    seen = [entry["TagKey"] for entry in everything(kms, "list_resource_tags", "Tags", KeyId=key, PaginationConfig={"PageSize": 3})]
    assert sorted(seen) == sorted(f"t{number}" for number in range(7))


def test_k40_a_key_that_is_not_there_has_no_tags(kms):
    for request, parameters in [
        (kms.list_resource_tags, {}),
        (kms.tag_resource, {"Tags": [tag("a")]}),
        (kms.untag_resource, {"TagKeys": ["a"]}),
    ]:
        with refused("NotFoundException"):
            request(KeyId=str(uuid.uuid4()), **parameters)
        with refused("InvalidArnException"):
            request(KeyId="arn:aws:kms:broken", **parameters)
