"""What the query protocol answers, in requests that fit and in those that do not."""

from datetime import UTC, datetime

import pytest

from api.wire.messages import HttpRequest, WireError
from api.wire.protocols import protocol_of
from api.wire.results import ResultError
from emulator.errors import AwsError

NAMESPACE = "http://elasticbeanstalk.amazonaws.com/docs/2010-12-01/"
FAILED = "failed to satisfy constraint:"


def request(form: str, query: str = "") -> HttpRequest:
    return HttpRequest("POST", "/", query, {}, form.encode())


def refusal(form: str | bytes) -> tuple[str, str]:
    body = form if isinstance(form, bytes) else form.encode()
    with pytest.raises(WireError) as caught:
        protocol_of("elasticbeanstalk").parse(HttpRequest("POST", "/", "", {}, body))
    return caught.value.code, caught.value.message


@pytest.mark.parametrize(
    ("form", "query"),
    [
        ("Action=CheckDNSAvailability&Version=2010-12-01&CNAMEPrefix=prod", ""),
        ("Operation=CheckDNSAvailability&CNAMEPrefix=prod", ""),
        ("", "Action=CheckDNSAvailability&Version=2010-12-01&CNAMEPrefix=prod"),
        ("CNAMEPrefix=prod&Surprise.member.1=x", "Action=CheckDNSAvailability"),
    ],
)
def test_forms_and_query_strings(form: str, query: str) -> None:
    call = protocol_of("elasticbeanstalk").parse(request(form, query))
    assert (call.operation, call.params) == ("CheckDNSAvailability", {"CNAMEPrefix": "prod"})


def test_lists_are_in_the_order_of_their_numbers() -> None:
    names = {10: "last", 2: "second", 1: "first"}
    form = "&".join(f"EnvironmentNames.member.{number}={name}" for number, name in names.items())
    call = protocol_of("elasticbeanstalk").parse(request(f"Action=DescribeEnvironments&{form}"))
    assert call.params == {"EnvironmentNames": ["first", "second", "last"]}


def test_an_empty_text_is_an_empty_list() -> None:
    call = protocol_of("elasticbeanstalk").parse(request("Action=CreateApplication&ApplicationName=a&Tags="))
    assert call.params == {"ApplicationName": "a", "Tags": []}


def test_what_eb_clone_sends_beyond_the_model() -> None:
    form = "Action=CreateEnvironment&ApplicationName=a&TemplateSpecification.TemplateSource.EnvironmentName=prod"
    call = protocol_of("elasticbeanstalk").parse(request(form))
    assert call.params["TemplateSpecification"] == {"TemplateSource": {"EnvironmentName": "prod"}}


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("", ("MissingAction", "The request must contain the parameter Action")),
        ("Action=Fly", ("InvalidAction", "Could not find operation Fly for version 2010-12-01")),
        (
            "Action=DescribeEvents&Version=1999-01-01",
            ("InvalidAction", "Could not find operation DescribeEvents for version 1999-01-01"),
        ),
        (
            "Action=UpdateApplication",
            (
                "ValidationError",
                f"1 validation error detected: Value null at 'applicationName' {FAILED} Member must not be null",
            ),
        ),
        (
            f"Action=CreateEnvironment&ApplicationName={'a' * 101}&OptionSettings.member.1.ResourceName=",
            (
                "ValidationError",
                (
                    f"2 validation errors detected: Value '{'a' * 101}' at 'applicationName' {FAILED} "
                    f"Member must have length less than or equal to 100; Value '' at 'optionSettings.1.member.resourceName' "
                    f"{FAILED} Member must have length greater than or equal to 1"
                ),
            ),
        ),
        ("Action=DescribeEnvironments&IncludeDeleted=yes", ("MalformedInput", "boolean must follow xsd1.1 definition")),
        ("Action=DescribeEvents&StartTime=today", ("MalformedInput", "timestamp must follow ISO8601")),
        ("Action=DescribeEvents&MaxRecords=x", ("MalformedInput", "'x' is not a valid integer")),
        ("Action=DescribeEvents&MaxRecords.a=1", ("MalformedInput", "Unexpected complex element termination")),
        ("Action=CreateApplication&Tags=a", ("MalformedInput", "Unexpected complex element termination")),
        ("Action=CreateApplication&Tags.member.a.Key=b", ("MalformedInput", "Unexpected complex element termination")),
        (b"\xff\xfe", ("MalformedInput", "The request body is not a form")),
    ],
)
def test_refusals(form: str | bytes, expected: tuple[str, str]) -> None:
    assert refusal(form) == expected


def test_a_result_element_stands_only_where_the_operation_has_results() -> None:
    answer = protocol_of("elasticbeanstalk").answer
    tail = "<ResponseMetadata><RequestId>an-id</RequestId></ResponseMetadata>"
    assert answer("RestartAppServer", {}, "an-id").body.decode() == (
        f'<RestartAppServerResponse xmlns="{NAMESPACE}">{tail}</RestartAppServerResponse>'
    )
    found = answer("CreateStorageLocation", {"S3Bucket": "a<b>&\r\x00"}, "an-id")
    assert found.body.decode() == (
        f'<CreateStorageLocationResponse xmlns="{NAMESPACE}"><CreateStorageLocationResult>'
        f"<S3Bucket>a&lt;b&gt;&amp;&#13;\ufffd</S3Bucket></CreateStorageLocationResult>{tail}</CreateStorageLocationResponse>"
    )
    assert found.headers == {
        "Content-Type": "text/xml",
        "x-amzn-RequestId": "an-id",
    }


def test_instants_have_milliseconds_and_lists_members() -> None:
    event = {"EventDate": datetime(2026, 11, 23, 3, 20, 26, tzinfo=UTC), "Message": None}
    body = protocol_of("elasticbeanstalk").answer("DescribeEvents", {"Events": [event]}, "an-id").body
    assert b"<Events><member><EventDate>2026-11-23T03:20:26.000Z</EventDate></member></Events>" in body


@pytest.mark.parametrize("result", [{"Surprise": 1}, {"Events": "a"}, {"Events": ["a"]}, {"NextToken": 1}])
def test_results_that_do_not_fit_are_our_bug(result: dict[str, object]) -> None:
    with pytest.raises(ResultError):
        protocol_of("elasticbeanstalk").answer("DescribeEvents", result, "an-id")


class OperationInProgressException(AwsError):
    pass


def test_an_error_has_the_code_that_its_model_names() -> None:
    response = protocol_of("elasticbeanstalk").refuse(OperationInProgressException("a & b"), "an-id")
    assert response.status == 400
    assert response.body.decode() == (
        f'<ErrorResponse xmlns="{NAMESPACE}"><Error><Type>Sender</Type><Code>OperationInProgressFailure</Code>'
        "<Message>a &amp; b</Message></Error><RequestId>an-id</RequestId></ErrorResponse>"
    )
    ours = protocol_of("elasticbeanstalk").refuse(WireError("InternalFailure", "oh", 500), "an-id")
    assert b"<Type>Receiver</Type>" in ours.body
