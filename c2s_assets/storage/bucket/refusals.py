"""What a bucket refuses, in words."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError

from c2s_assets.core.errors import BucketError, BusyServerError, DownloadError, LostRaceError
from c2s_assets.storage.bucket.address import BucketAddress

# The codes of S3 and of what speaks like it, and what object_store says where there was no answer.
_CODE = re.compile(r"<Code>(\w+)</Code>")
_STATUS = re.compile(r"status code: (\d{3} [A-Za-z ]+)")


@dataclass(frozen=True)
class _Refusal:
    said: str
    found: str
    advice: str
    may_pass: bool = False

    def says(self, text: str) -> bool:
        return re.search(self.said, text) is not None


_CREDENTIALS = (
    "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN), or run where the "
    "platform gives a role"
)
_UNREACHABLE = "it cannot be reached, or its answer broke off"
_REFUSALS = (
    _Refusal(
        "NoSuchBucket",
        "there is no such bucket",
        "Make it with your provider's tools, or correct the address; of another provider than AWS, set "
        "AWS_ENDPOINT_URL_S3.",
    ),
    _Refusal(
        "ExpiredToken|TokenRefreshRequired|RequestExpired",
        "the credentials have expired",
        "Get new ones, then run it again: what is published is whole.",
    ),
    _Refusal(
        "InvalidAccessKeyId|SignatureDoesNotMatch|InvalidToken|AuthorizationHeaderMalformed",
        "the credentials are not valid there",
        f"{_CREDENTIALS}; and see that AWS_REGION and AWS_ENDPOINT_URL_S3 are those of the bucket.",
    ),
    _Refusal(r"169\.254\.|CredentialsError|credential", "there are no credentials", f"{_CREDENTIALS}."),
    _Refusal(
        "QuotaExceeded|StorageFull|InsufficientStorage|status code: 507|EntityTooLarge|InsufficientCapacity",
        "there is no room left",
        "What was published is whole. Have the quota raised, or remove what nothing names with c2s gc, then "
        "run it again.",
    ),
    _Refusal(
        "BadDigest|ContentSHA256Mismatch|IncompleteBody|XAmzContentChecksumMismatch|ChecksumMismatch",
        "what arrived there is not what was sent",
        "It was not taken. Run it again; if it stays so, something between here and there damages data.",
        may_pass=True,
    ),
    _Refusal(
        "AccessDenied|status code: 40[13]|AllAccessDisabled|Unauthenticated",
        "you have no right to do this",
        "It needs s3:ListBucket, s3:GetObject, s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload.",
    ),
    _Refusal(
        "NotImplemented|status code: 501",
        "it cannot do what we ask",
        "It has to know If-Match and If-None-Match of PutObject, as AWS, MinIO, Ceph and R2 do: without them "
        "two writers could undo each other.",
    ),
    _Refusal(
        "SlowDown|ServiceUnavailable|InternalError|status code: (50[0234]|429)",
        "it is too busy to answer",
        "What was published is whole. Run it again later.",
        may_pass=True,
    ),
    _Refusal(
        "error sending request|timed out|operation timed out|Connect|dns error|connection|body",
        _UNREACHABLE,
        "What was published is whole. See whether the network and AWS_ENDPOINT_URL_S3 are right, then run it "
        "again.",
        may_pass=True,
    ),
)


@contextmanager
def refusals_in_words(address: BucketAddress, key: str) -> Iterator[None]:
    """Turn what obstore raises into errors of ours; that an object is missing stays FileNotFoundError.

    Raises
    ------
    BucketError
        If the bucket is not there, is full, or has no right for us.
    BusyServerError
        If it does not answer now.
    LostRaceError
        If a condition does not hold.
    """
    try:
        yield
    except (AlreadyExistsError, PreconditionError) as error:
        raise LostRaceError(f"{address}: {key} is another version by now. Run it again.") from error
    except (BaseError, PermissionError, FileNotFoundError, TimeoutError) as error:
        if isinstance(error, FileNotFoundError) and "NoSuchBucket" not in str(error):
            raise
        raise _in_words(address, key, error) from error


def is_unreachable(error: BusyServerError) -> bool:
    """Whether nobody answered, in distinction to somebody who is busy."""
    return _UNREACHABLE in str(error)


def _in_words(address: BucketAddress, key: str, error: Exception) -> DownloadError:
    # Only the first lines: what follows is the whole request, as Rust shows it.
    text = str(error).partition("Debug source")[0]
    for refusal in _REFUSALS:
        if refusal.says(text):
            kind = BusyServerError if refusal.may_pass else BucketError
            return kind(f"{address}: {refusal.found} ({_said(text, key)}). {refusal.advice}")
    return BucketError(f"{address}: {_said(text, key)}. Run it again; what was published is whole.")


def _said(text: str, key: str) -> str:
    """Quote the code or status of an answer, and the object that was asked for; never a whole request."""
    found = _CODE.search(text) or _STATUS.search(text)
    return f"{found.group(1) if found else text.strip().splitlines()[0][:200]}, {key}"
