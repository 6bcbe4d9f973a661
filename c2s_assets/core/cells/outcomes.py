"""Labels in place of a donor that name nobody: missing values, pools, outcomes of demultiplexing."""

import re
from collections.abc import Collection


def _listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Each is compared without case, spaces and punctuation: "N/A", "<NA>" and "n.a." are all `na`.
_MISSING = _listed(
    """
    na nan nat none null nil nd unk unkn ukn unknow unknown unkown missing notapplicable
    notavailable notknown notassigned notprovided notreported notrecorded notcollected notspecified
    notdetermined notdetected notgiven notstated nodata nodonor nodonorid noid nohto notag nohash
    nohashtag nohashtags nolabel nobarcode nocmo noname nosample nomatch undetected
    unsorted unspecified undefined undeclared unidentified unnamed unavailable
    indeterminate inconclusive tbd anonymous anon other others various several multiple multi misc
    miscellaneous blank blanks empty inf infinity nacharacter nainteger nareal nacomplex
    background debris ambient singlet singlets triplet triplets sng dbl
    mix mixed mixture lowquality failed filtered discarded excluded removed rejected negative
    negatives neg amb
    """
)
# At the beginning or the end of a label they say what it is: "unassigned_pool1", "lane 2 doublet".
_OUTCOMES = _listed(
    """
    doublet doublets multiplet multiplets multiplex multiplexed unassigned unassign unassignable
    ambiguous ambig undetermined undet unmatched unmapped unclassified unresolved uncalled uncertain
    untagged unlabeled unlabelled nocall notassigned heterotypic homotypic
    """
)
# Alone they are in `_MISSING`. A person can be called negative: only words of an experiment may stand beside.
_WEAK = frozenset(["negative", "negatives", "neg", "unknown", "unk", "failed", "filtered", "empty", "blank"])
_POOLS = frozenset(["pool", "pools", "pooled", "mix", "mixed", "mixture"])
_OF_AN_EXPERIMENT = _listed(
    """
    cell cells droplet droplets drop drops sample samples lane lanes batch batches run runs lib
    library libraries chip well wells channel capture gem plate hto htos hash hashtag hashtags tag tags
    label labels rna barcode barcodes cmo cmos rep replicate exp experiment call calls donor donors
    patient patients
    subject subjects individual individuals mouse mice animal animals person persons id identity
    genotype qc or and in of from vireo souporcell demuxlet freemuxlet
    """
)
_NUMBERED_POOL = re.compile(r"(?:pools?|mix|mixed|mixture|unknown)(?: [a-z])?(?: \d+)*|pools? \d+ [a-z]")
_NUMBERED_PERSON = re.compile(
    r"\b(?:donor|patient|subject|individual|participant|person|sample|mouse|animal) (?:[a-z] )?\d"
)
_SAYS_UNASSIGNED = re.compile(
    r"\b(?:not (?:assigned|determined|called|matched|classified)|no (?:call|assignment|match))\b"
)

# Demuxlet and scSplit: DBL-S1-S2-0.500, AMB-S1-S2-S1/S2, DBL-2. SNG-S1 is a donor.
_DEMUXLET = re.compile(r"(?:dbl|amb)[-_: ].*", re.DOTALL)
# Freemuxlet and Demuxlet 2: "0,1" and "S1,S2,0.50" are two; "1,1" and "S1,S1,0.00" are one donor.
_PAIR = re.compile(r"(?P<one>[^,]+),(?P<other>[^,]+),[01]?\.?\d+|(?P<first>\d+),(?P<second>\d+)")
# Souporcell joins clusters by a slash: "0/1".
_CLUSTERS = re.compile(r"\d{1,2}(?:/\d{1,2})+")
# Seurat, MULTI-seq, Cell Ranger, vireo: HTO1_HTO2, Hashtag1-ACCT_Hashtag2-GGTC, CMO301|CMO302, donor0,donor1.
_TAGS = re.compile(
    r"(?P<tag>hto|hashtag|htag|hash|cmo|tag|bar|barcode|donor)[ _-]?[^\W_]{1,4}(?:-[a-z]+)?"
    r"(?:[\W_]+(?P=tag)[ _-]?[^\W_]{1,4}(?:-[a-z]+)?)+"
)
# A missing integer is the lowest there is for R and numpy, and -1, -9 or -999 in many tables; where it is the
# highest, it is that of 32 or 64 bits.
_MISSING_NUMBER = re.compile(
    r"(?:-\d+|2147483647|4294967295|9223372036854775807|18446744073709551615)(?:\.0+)?"
)
# Of spreadsheets: #REF!, #DIV/0!, #NAME?
_SPREADSHEET = re.compile(r"#(?:ref|div/0|name|value|num|null|n/a|spill|calc)[!?]?")
# Of statistics programs, which have no word for a missing number: 999, 9999.
_NINES = re.compile(r"9{3,}(?:\.0+)?")
_SUSPICIOUS = re.compile(
    r"un(?:k|d|as|ass|id|map|match|class|cert|res|tag|lab|cal)|no(?:t|ne)?$|doubl|dbl|multi|ambig|negativ|neg$"
    r"|pool|mix|fail|contam|debris|empty|backgr|low$|bad$|other|rest$|remain|resid|exclud|remov|discard|reject"
    r"|filter|missing|outlier|noise|junk"
)
# Longer labels are text of some other kind, and are not taken apart.
_MOST_CHARACTERS = 200


def names_nobody(label: str) -> bool:
    """Whether a label is a missing value, a pool of people or an outcome of demultiplexing.

    The whole label has to say so: ``pool1``, ``unassigned_lane2``, ``HTO1_HTO2`` and ``0/1`` name nobody;
    ``pool_donor_3``, ``NA12878``, ``D1/2`` and ``HIV_negative_3`` are people.
    """
    words = _words(label)
    if not words or "".join(words) in _MISSING | _OUTCOMES:
        return True
    if len(label) > _MOST_CHARACTERS:
        return False
    text = label.strip().casefold()
    patterns = (_MISSING_NUMBER, _SPREADSHEET, _DEMUXLET, _CLUSTERS, _TAGS)
    rules = (_is_missing, _is_outcome, _is_pool)
    return any(p.fullmatch(text) for p in patterns) or _is_pair(text) or any(rule(words) for rule in rules)


def stand_for_missing(labels: Collection[str]) -> set[str]:
    """Choose the labels of a column that are nines, three or more, and no number that the others lead up to.

    ``999`` beside ``1`` to ``12``, or beside ``P1`` and ``P2``, is what a missing number is written as;
    beside ``998`` or ``1003``, or alone, it is the id of somebody.
    """
    nines = {label for label in labels if _NINES.fullmatch(label.strip())}
    others = [label.strip().removesuffix(".0") for label in labels if label not in nines]
    most_digits = max((len(label) for label in others if label.isdecimal()), default=0)
    return {label for label in nines if others and len(label.strip().partition(".")[0]) > most_digits}


def reads_like_an_outcome(label: str) -> bool:
    """Whether a word of a label may be an outcome, though the whole could be the id of a person."""
    return any(_SUSPICIOUS.match(word) for word in _words(label))


def _words(label: str) -> list[str]:
    """Take a label apart where letters, digits and signs meet: "PoolA_12" is pool, a, 12."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", label[: _MOST_CHARACTERS + 1])
    spaced = " ".join(re.findall(r"[^\W\d_]+|\d+", parted)).casefold()
    return _SAYS_UNASSIGNED.sub("unassigned", spaced).split()


def _is_pair(text: str) -> bool:
    match = _PAIR.fullmatch(text)
    return match is not None and (match["one"], match["first"]) != (match["other"], match["second"])


def _is_missing(words: list[str]) -> bool:
    """Whether a missing value stands beside words of an experiment: "Donor NA", but not "Donor NA12878"."""
    further = [word for word in words if word not in _MISSING]
    return len(further) < len(words) and all(word in _OF_AN_EXPERIMENT for word in further)


def _is_outcome(words: list[str]) -> bool:
    if words[0] in _OUTCOMES or words[-1] in _OUTCOMES:
        return True
    further = [word for word in words if word not in _OUTCOMES | _WEAK and not _is_number_or_letter(word)]
    if not all(word in _OF_AN_EXPERIMENT | _POOLS for word in further):
        return False
    has_weak = any(word in _WEAK for word in words) and bool(further) and not _names_a_person(words)
    return has_weak or any(word in _OUTCOMES for word in words)


def _is_pool(words: list[str]) -> bool:
    if _NUMBERED_POOL.fullmatch(" ".join(words)):
        return True
    if _names_a_person(words):
        return False
    is_of_pools = all(word in _OF_AN_EXPERIMENT | _POOLS or word.isdigit() for word in words)
    return "pooled" in (words[0], words[-1]) or (is_of_pools and any(word in _POOLS for word in words))


def _names_a_person(words: list[str]) -> bool:
    return _NUMBERED_PERSON.search(" ".join(words)) is not None


def _is_number_or_letter(word: str) -> bool:
    return word.isdigit() or len(word) == 1
