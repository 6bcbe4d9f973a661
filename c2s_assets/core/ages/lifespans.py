"""How old organisms become, so that an age nobody reached is noticed: most often its unit is another one."""

from c2s_assets.core.ages.intervals import AgeUnit, years

# Years, rounded up, of the oldest individual known. Mice: Methuselah mouse GHR-KO 11C, 1,819 days. People:
# Jeanne Calment, 122.4 years. Marmosets: 262.5 months, doi:10.1007/s10522-012-9388-1. Rabbits: Flopsy, 18.9
# years (Guinness World Records). Flies: over 130 days in the cold or bred for long life, and half as much
# again, lest a longer-lived line be doubted. Worms: age-1 null mutants, medians of 145 to 190 days and a
# maximum ten times that of a wild type that lives for a month, doi:10.1111/j.1474-9726.2007.00348.x. The
# others: AnAge, https://genomics.senescence.info/species, with a margin for what colonies reported since.
LIFESPANS: dict[str, float] = {
    "Homo sapiens": 123,
    "Mus musculus": 5,
    "Rattus norvegicus": 6,
    "Macaca mulatta": 45,
    "Macaca fascicularis": 45,
    "Callithrix jacchus": 23,
    "Gorilla gorilla gorilla": 65,
    "Pan troglodytes": 70,
    "Microcebus murinus": 19,
    "Sus scrofa": 28,
    "Oryctolagus cuniculus": 19,
    "Danio rerio": 6,
    "Drosophila melanogaster": 0.6,
    "Caenorhabditis elegans": 0.85,
}
# Where nothing is known of the organism.
LONGEST_LIFESPAN = max(LIFESPANS.values())

_UNITS: tuple[AgeUnit, ...] = ("years", "months", "weeks", "days")


def unit_meant(oldest: float, *, lifespan: float) -> AgeUnit | None:
    """Return the largest unit in which a number is an age that was reached; None if it is none in any."""
    return next((unit for unit in _UNITS if 0 <= years(oldest, unit) <= lifespan), None)
