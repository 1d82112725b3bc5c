# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Large templates are uploaded once, under the name of their content."""

from __future__ import annotations

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.upload import (
    TemplateStore,
)

from tests.fakes.data import FakeData
from tests.fakes.service import refuse

BODY = "Resources: {}\n"


@pytest.fixture
def aws() -> FakeData:
    return FakeData()


def upload(aws: FakeData) -> str:
    return TemplateStore(lambda: aws.clients["s3"], "builds").url_of(BODY)


def test_a_template_is_uploaded_once(aws: FakeData) -> None:
    url = upload(aws)

    assert upload(aws) == url
    assert aws.writes == ["PutObject"]
    ((_bucket, key),) = aws.objects
    assert url.endswith(f"/builds/{key}")


def test_an_object_of_another_size_is_written_again(aws: FakeData) -> None:
    upload(aws)
    (place,) = aws.objects
    aws.objects[place]["Body"] = b"cut sh"

    upload(aws)

    assert aws.objects[place]["Body"] == BODY.encode()


def test_a_caller_who_may_not_list_the_bucket_uploads_all_the_same(aws: FakeData) -> None:
    aws.before("HeadObject", refuse("403", "Forbidden"))

    upload(aws)

    assert aws.writes == ["PutObject"]


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        ("HeadObject", "Failed to find the template in its bucket: "),
        ("PutObject", "Failed to upload the template: "),
    ],
)
def test_a_bucket_that_does_not_answer_is_an_error(
    aws: FakeData, operation: str, message: str
) -> None:
    aws.before(operation, refuse("500", "no"))

    with pytest.raises(PipelineError) as caught:
        upload(aws)

    assert str(caught.value).startswith(message)
