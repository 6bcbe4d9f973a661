"""Every error of ours.

C2SError
├── InvalidDatasetIdError      a name that must not become a path
├── TakenIdError               an id under which the lake holds another file
├── KnownFileError             a file that the lake holds under another id
├── ConfigError                datasets.yaml says something we cannot follow
├── SourceError                a source itself: the h5ad, or the list of HGNC
│   ├── NotAnH5adError         not HDF5, truncated, or without the parts of an AnnData file
│   ├── UnsafeFileError        points outside itself, or is built to exhaust us
│   ├── UnsupportedEncodingError   an element stored in a way we do not read
│   ├── InvalidMatrixError     indices out of range, NaN, features listed twice in a cell
│   ├── NegativeExpressionError    a scaled matrix, whose order no longer means expression
│   ├── InvalidIdsError        cell or feature names that cannot identify a row
│   ├── MissingColumnError     a column or matrix that datasets.yaml names is not in the file
│   └── EmptyDatasetError      no cells, no features, or no matrix to rank
├── MissingInputError          a table that this step reads was not built, or was built from another file
├── UnknownNameError           a dataset, column, cell or gene that was asked for is not there
├── BrokenClaimError            a blocking check failed, so what was built is not published
├── LakeError                  the lake's own files are not as we left them
│   └── NewerLakeError         they are of a newer version than ours
├── MachineError               the disk is full, or the system does not let us do this
├── QueryError                 SQL that the catalogue cannot answer
└── DownloadError              the network did not give us the file
    ├── BusyServerError        not now, or not whole; another try may help
    │   └── LostRaceError      another machine was quicker, and what we made is of a version that is gone
    ├── BucketError            the bucket is not there, is full, or does not let us do this
    ├── HubError               the Hugging Face Hub does not take what we send, or not from us
    │   └── TooMuchAtOnceError     something on the way takes less in one request
    ├── VisionError            a vision model does not take what we ask, or not from us
    └── WithdrawnError         the server says that it had it, and has it no more

A message says what was found, where, and what to do. It does not name the dataset: who catches it
knows which one was being built, and says so.
"""

# Of a message, which names what a source is made of: a name of 64,000 letters is not read to its end.
_LONGEST = 4_000
_LONGEST_END = 1_000


class C2SError(Exception):
    """Base of all errors that are about the data or the settings, not about our code.

    Parameters
    ----------
    message
        Of a long one the middle is left out: it begins with what was found, and ends with what to do.
    """

    def __init__(self, message: str) -> None:
        super().__init__(_without_middle(message))


class InvalidDatasetIdError(C2SError):
    """A dataset id that does not match the pattern, so that no path is made of it."""


class TakenIdError(C2SError):
    """Another file is in the lake under this dataset id, and nobody asked to replace it."""


class KnownFileError(C2SError):
    """The lake has the same file under another dataset id, and nobody asked for it once more."""


class ConfigError(C2SError):
    """`datasets.yaml` is not valid."""


class SourceError(C2SError):
    """The source file cannot be used."""


class NotAnH5adError(SourceError):
    """The file is not HDF5, is truncated, or lacks the parts of an AnnData file."""


class UnsafeFileError(SourceError):
    """The file refers to other files, or is built so that reading it would exhaust us."""


class UnsupportedEncodingError(SourceError):
    """An element of the file is stored in a way that we do not read."""


class InvalidMatrixError(SourceError):
    """The matrix contradicts itself: indices out of range, NaN, a feature listed twice in a cell."""


class NegativeExpressionError(SourceError):
    """A value is below zero: the matrix was scaled, and its order no longer means expression."""


class InvalidIdsError(SourceError):
    """Names of cells or features that cannot identify a row: missing or repeated."""


class MissingColumnError(SourceError):
    """A column or matrix that was asked for is not in the file."""


class EmptyDatasetError(SourceError):
    """The file has no cells, no features, or no matrix to rank."""


class MissingInputError(C2SError):
    """A table that this step reads was not built, or was built from another version of the file."""


class UnknownNameError(C2SError):
    """A dataset, column, cell or gene that was asked for is not there."""


class BrokenClaimError(C2SError):
    """A blocking check failed: what was built is not published."""


class LakeError(C2SError):
    """A file of the lake is not as we left it."""


class NewerLakeError(LakeError):
    """A file of the lake was written by a newer version, which we would damage."""


class MachineError(C2SError):
    """The machine denies us something: room on a disk, a right, a folder. See `storage.lake.denials`."""


class QueryError(C2SError):
    """The SQL is not one query, is refused, or cannot be answered from the catalogue."""


class DownloadError(C2SError):
    """The network did not give us the file, or gave us something else."""


class BusyServerError(DownloadError):
    """The server does not answer now, or its answer broke off; another try may help.

    Parameters
    ----------
    wait_seconds
        For how long the server asked us to wait.
    """

    def __init__(self, message: str, *, wait_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.wait_seconds = wait_seconds


class LostRaceError(BusyServerError):
    """What was read is no longer the version in the bucket: what was made of it must not replace that."""


class BucketError(DownloadError):
    """The bucket is not there, is full, or does not let us do this."""


class HubError(DownloadError):
    """The Hugging Face Hub does not take what we send it, or not from us."""


class TooMuchAtOnceError(HubError):
    """Something between here and the Hugging Face Hub takes less in one request; less of it may pass."""


class VisionError(DownloadError):
    """A vision model does not take what we ask it, or not from us, or answers what we cannot read."""


class WithdrawnError(DownloadError):
    """The server says that it had what was asked for, and has it no more (410)."""


def _without_middle(message: str) -> str:
    if len(message) <= _LONGEST:
        return message
    return f"{message[: _LONGEST - _LONGEST_END - 3]} … {message[-_LONGEST_END:]}"
