"""The colours of all pictures, told apart also by people who see no red or no green.

The first eight are those of Okabe and Ito (2008), Color Universal Design. Each of the others is the colour of
a grid of 512 that lies farthest from those before it and from grey, in CIELAB, also as deuteranopes and
protanopes see it (Machado et al. 2009). The nearest two of all twenty are 26 apart, as of the first eight;
for deuteranopes 17, as of the first eight, and for protanopes 16, where the first eight have 21.
"""

from c2s_assets.core.splits.sides import TEST, TRAIN, VALIDATION

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#E69F00", "#009E73", "#999999"
SIDE_COLOURS = {TRAIN: BLUE, VALIDATION: GREEN, TEST: ORANGE}
GROUP_COLOURS = (
    BLUE,
    ORANGE,
    GREEN,
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
    "#F0E442",
    "#000000",
    "#0000FF",
    "#000077",
    "#BB55FF",
    "#990033",
    "#DDDD99",
    "#003300",
    "#990077",
    "#FF0055",
    "#55DDDD",
    "#550033",
    "#0033DD",
    "#99DD55",
)
# Of viridis, from low to high.
AGE_COLOURS = (
    "#440154",
    "#482878",
    "#3E4989",
    "#31688E",
    "#26828E",
    "#1F9E89",
    "#35B779",
    "#6ECE58",
    "#B5DE2B",
    "#FDE725",
)
