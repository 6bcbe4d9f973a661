"""Columns of the tables about cells in a tissue."""

SECTION, X_UM, Y_UM = "section", "x_um", "y_um"
N_NEIGHBOURS, SCORE_RECEIVED, SCORE_SENT = "n_neighbours", "score_received", "score_sent"
SENDER_INDEX, SENDER_SCORE = "sender_index", "sender_score"
RECEIVED_PAIR_INDEX, RECEIVED = "received_pair_index", "received"
SENT_PAIR_INDEX, SENT = "sent_pair_index", "sent"
PAIR_INDEX, LIGAND, RECEPTOR = "pair_index", "ligand", "receptor"
NEEDS_CONTACT, IS_MEASURED = "needs_contact", "is_measured"
