"""Organisms: their scientific names, whatever a source calls them."""

import re

import polars as pl

# The organisms of CELLxGENE Discover, schema 7, by their NCBI taxon.
ORGANISMS = {
    "NCBITaxon:9606": "Homo sapiens",
    "NCBITaxon:10090": "Mus musculus",
    "NCBITaxon:10116": "Rattus norvegicus",
    "NCBITaxon:9544": "Macaca mulatta",
    "NCBITaxon:9541": "Macaca fascicularis",
    "NCBITaxon:9483": "Callithrix jacchus",
    "NCBITaxon:9595": "Gorilla gorilla gorilla",
    "NCBITaxon:9598": "Pan troglodytes",
    "NCBITaxon:30608": "Microcebus murinus",
    "NCBITaxon:9823": "Sus scrofa",
    "NCBITaxon:9986": "Oryctolagus cuniculus",
    "NCBITaxon:7955": "Danio rerio",
    "NCBITaxon:7227": "Drosophila melanogaster",
    "NCBITaxon:6239": "Caenorhabditis elegans",
}
_COMMON = {
    "Homo sapiens": ("human", "humans", "man", "homo", "hs", "hsa", "hsap"),
    "Mus musculus": ("mouse", "mice", "house mouse", "mus", "mm", "mmu", "mmus"),
    "Rattus norvegicus": ("rat", "rats", "brown rat", "norway rat", "rn", "rno"),
    "Macaca mulatta": ("rhesus", "rhesus macaque", "rhesus monkey"),
    "Macaca fascicularis": ("cynomolgus", "cynomolgus macaque", "cynomolgus monkey", "crab-eating macaque"),
    "Callithrix jacchus": ("marmoset", "common marmoset", "white-tufted-ear marmoset"),
    "Gorilla gorilla gorilla": ("gorilla", "gorilla gorilla", "western gorilla", "western lowland gorilla"),
    "Pan troglodytes": ("chimpanzee", "chimp"),
    "Microcebus murinus": ("mouse lemur", "gray mouse lemur", "grey mouse lemur"),
    "Sus scrofa": ("pig", "pigs", "swine", "wild boar", "sus scrofa domesticus"),
    "Oryctolagus cuniculus": ("rabbit", "rabbits"),
    "Danio rerio": ("zebrafish", "dr", "dre"),
    "Drosophila melanogaster": ("fly", "fruit fly", "fruitfly", "drosophila", "dm", "dme"),
    "Caenorhabditis elegans": ("worm", "roundworm", "nematode", "ce", "cel"),
}
_MISSING = {"", "unknown", "na", "n/a", "nan", "none", "null", "?", "-"}
_TAXON = re.compile(r"(?:ncbi ?taxon|taxon|taxid|ncbi)?[ :]*(?P<number>\d+)(?:\.0)?")


def _plain(text: str) -> str:
    return " ".join(text.replace("_", " ").casefold().split())


def _abbreviations(name: str) -> tuple[str, ...]:
    """Shorten "Homo sapiens" to "h. sapiens", "h.sapiens", "h sapiens" and "hsapiens"."""
    genus, _, species = _plain(name).partition(" ")
    return tuple(f"{genus[0]}{joint}{species}" for joint in (". ", ".", " ", ""))


_NAMES = {
    called: name
    for name, common in _COMMON.items()
    for called in (_plain(name), *_abbreviations(name), *common)
}
_TAXA = {taxon.partition(":")[2]: name for taxon, name in ORGANISMS.items()}


def organism_name(text: str) -> str | None:
    """Return the scientific name of an organism; the text itself for one that we do not know.

    Known are scientific and common names, abbreviations ("h. sapiens", "Hs") and NCBI taxa, in any case and
    with underscores for spaces. None for what says that it is not known.

    >>> organism_name("mouse"), organism_name("NCBITaxon:9606"), organism_name("Canis lupus")
    ('Mus musculus', 'Homo sapiens', 'Canis lupus')
    """
    plain = _plain(text)
    if plain in _MISSING:
        return None
    if match := _TAXON.fullmatch(plain):
        return _TAXA.get(match["number"], text.strip())
    return _NAMES.get(plain, text.strip())


def organism_names(column: pl.Series) -> pl.Series:
    """Read a column of organisms as `organism_name` does, each distinct value once."""
    labels = column.cast(pl.String)
    distinct = labels.drop_nulls().unique(maintain_order=True)
    names = [organism_name(label) for label in distinct]
    return labels.replace_strict(
        distinct, pl.Series(names, dtype=pl.String), default=None, return_dtype=pl.String
    )


def only_organism(organisms: pl.Series) -> str | None:
    """Return the organism of cells that are all of one, as far as they name any."""
    named = organisms.drop_nulls().unique().sort()
    return str(named[0]) if len(named) == 1 else None
