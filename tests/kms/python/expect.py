"""What tests expect of answers and refusals."""

import contextlib
import re

import pytest
from botocore.exceptions import ClientError


@contextlib.contextmanager
def refused(*codes, says=None):
    """The block's request is refused with one of these errors, and its text matches `says`."""
    with pytest.raises(ClientError) as caught:
        yield caught
    error = caught.value.response["Error"]
    assert error["Code"] in codes, f"{error['Code']}: {error['Message']}"
    status = caught.value.response["ResponseMetadata"]["HTTPStatusCode"]
    assert status < 500 or error["Code"] in ("KMSInternalException", "DependencyTimeoutException", "KeyUnavailableException"), status
    if says is not None:
        assert re.search(says, error["Message"]), error["Message"]


def invalid(says=None):
    """Refused for its form."""
    return refused("ValidationException", says=says)


def dry_run(request, **parameters):
    """The request would be carried out, and isn't."""
    with refused("DryRunOperationException"):
        request(DryRun=True, **parameters)


def without_metadata(answer):
    """The members of an answer, without what boto3 says of the exchange."""
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def everything(client, operation, member, **parameters):
    """All entries of a list, by its paginator."""
    pages = client.get_paginator(operation).paginate(**parameters)
    return [entry for page in pages for entry in page.get(member, [])]
