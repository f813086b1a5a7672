"""SigV4: our signer says what botocore says."""

import base64
import datetime
import unittest.mock

import botocore.auth
import botocore.awsrequest
import botocore.credentials

import rig

TIME = datetime.datetime(2026, 2, 28, 23, 59, 59)
HOST = "sqs.eu-west-1.amazonaws.com"
JSON = [["content-type", "application/x-amz-json-1.0"], ["x-amz-target", "AmazonSQS.SendMessage"]]

REQUESTS = [
    ("what we send", {"fields": JSON, "body": b'{"QueueUrl":"https://x/q","MessageBody":"hi"}'}),
    ("temporary credentials", {"fields": JSON, "body": b"{}", "token": "FwoGZXIvYXdzEXAMPLE//////////token=="}),
    ("an empty body", {"fields": JSON}),
    ("a body that is no text", {"fields": JSON, "body": bytes(range(256))}),
    ("GET with parameters", {"method": "GET", "target": "/?Action=ListQueues&Version=2012-11-05"}),
    ("parameters in another order", {"method": "GET", "target": "/?b=2&a=1&c=3"}),
    ("a parameter that comes again", {"method": "GET", "target": "/?a=2&a=1&a=10"}),
    ("a parameter without a value", {"method": "GET", "target": "/?flag&a=1"}),
    ("an equals sign in a value", {"method": "GET", "target": "/?a=b=c"}),
    ("encoded parameters", {"method": "GET", "target": "/?name=%C3%A9%20b&x=%2F"}),
    ("a path", {"target": "/123456789012/shop-Mailer-SendMail.fifo"}),
    ("a path that ends in a slash", {"target": "/a/b/"}),
    ("dot segments and empty ones", {"target": "/a/./b/../c//d"}),
    ("dots above the root", {"target": "/../../a"}),
    ("an encoded path", {"target": "/a%20b/%C3%A9"}),
    ("characters that stay", {"target": "/a-b_c.d~e"}),
    ("characters that do not", {"target": "/a(b)*c,d;e=f@g"}),
    ("blanks around and in a value", {"fields": [["x-note", "  a   b \t c  "], *JSON]}),
    ("an empty value", {"fields": [["x-note", ""], *JSON]}),
    ("names that differ in length", {"fields": [["x-a", "1"], ["x-a-b", "2"], ["x-", "3"], ["a", "4"]]}),
    ("what is not signed", {"fields": [["user-agent", "parley"], ["x-amzn-trace-id", "Root=1"], *JSON]}),
    ("a port", {"host": "127.0.0.1:9324", "fields": JSON}),
    ("another region", {"region": "us-gov-west-1", "fields": JSON}),
    ("another service", {"service": "execute-api", "fields": JSON}),
    ("another method", {"method": "DELETE", "target": "/x"}),
]


def botocore_says(method, host, target, fields, body, token, region, service):
    request = botocore.awsrequest.AWSRequest(method=method, url=f"https://{host}{target}", data=body)
    request.headers["host"] = host
    for name, value in fields:
        request.headers[name] = value
    credentials = botocore.credentials.Credentials(rig.KEYS["AWS_ACCESS_KEY_ID"], rig.KEYS["AWS_SECRET_ACCESS_KEY"], token or None)
    with unittest.mock.patch("botocore.auth.datetime") as clock:
        clock.datetime.utcnow.return_value = TIME
        botocore.auth.SigV4Auth(credentials, service, region).add_auth(request)
    return request.headers["Authorization"]


class Signer(rig.Case):
    def test_as_botocore_signs(self):
        for name, request in REQUESTS:
            with self.subTest(name):
                request = {"method": "POST", "host": HOST, "target": "/", "fields": [], "body": b"", "token": "", "region": "eu-west-1",
                           "service": "sqs", **request}
                want = botocore_says(**request)
                millis = int(TIME.replace(tzinfo=datetime.timezone.utc).timestamp() * 1000)
                got = self.driver.call("sign", **{**request, "body": base64.b64encode(request["body"]).decode()},
                                       key_id=rig.KEYS["AWS_ACCESS_KEY_ID"], secret=rig.KEYS["AWS_SECRET_ACCESS_KEY"], time=millis + 987)
                self.assertEqual(got["authorization"], want)
