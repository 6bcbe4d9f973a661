"""Columns of the tables about cells in a tissue."""

SECTION, X_UM, Y_UM = "section", "x_um", "y_um"
N_NEIGHBOURS, SCORE_RECEIVED, SCORE_SENT = "n_neighbours", "score_received", "score_sent"
SENDER_INDEX, SENDER_SCORE = "sender_index", "sender_score"
RECEIVED_PAIR_INDEX, RECEIVED = "received_pair_index", "received"
SENT_PAIR_INDEX, SENT = "sent_pair_index", "sent"
PAIR_INDEX, LIGAND, RECEPTOR = "pair_index", "ligand", "receptor"
NEEDS_CONTACT, IS_MEASURED = "needs_contact", "is_measured"
SCORE_SUM, N_HEARING, N_CONTACTS = "score_sum", "n_hearing", "n_contacts"
SCORE_PER_CELL, SCORE_PER_CONTACT = "score_per_cell", "score_per_contact"
X_PX, Y_PX = "x_px", "y_px"
OUTLINE_X_PX, OUTLINE_Y_PX = "outline_x_px", "outline_y_px"
CELL_PATCH, CELL_INSIDE_FRAC, CELL_IS_BLANK = "cell_patch", "cell_inside_frac", "cell_is_blank"
CELL_UM_PER_PX, TISSUE_UM_PER_PX = "cell_um_per_px", "tissue_um_per_px"
TISSUE_PATCH, TISSUE_INSIDE_FRAC, TISSUE_IS_BLANK = "tissue_patch", "tissue_inside_frac", "tissue_is_blank"
SLIDE, WIDTH_PX, HEIGHT_PX, UM_PER_PX = "slide", "width_px", "height_px", "um_per_px"
TISSUE, CELL_DISEASE_STATE, TISSUE_DISEASE_STATE = "tissue", "cell_disease_state", "tissue_disease_state"
CELL_DIAMETER_UM, DIAMETER_BASIS, ST_TECHNOLOGY = "cell_diameter_um", "diameter_basis", "st_technology"
NUCLEUS_AREA_UM2, NUCLEUS_ELONGATION, NUCLEUS_STAIN = (
    "nucleus_area_um2",
    "nucleus_elongation",
    "nucleus_stain",
)
NEIGHBOUR_TYPES, NEIGHBOUR_FRACS = "neighbour_types", "neighbour_fracs"
STRONGEST_PAIRS, DENSITY_PER_MM2 = "strongest_pairs", "density_per_mm2"
CAPTION, CAPTION_BLIND, CAPTION_SOURCE = "caption", "caption_blind", "caption_source"
MACHINE_CAPTION, MACHINE_CAPTION_SOURCE = "machine_caption", "machine_caption_source"
VISION_MODEL, PROMPT_SHA256 = "vision_model", "prompt_sha256"
WHY_NO_MACHINE_CAPTION = "why_no_machine_caption"
WHY_ON_NO_SIDE = "why_on_no_side"
CELL_INDEX, EXPRESSION_KIND = "cell_index", "expression_kind"
