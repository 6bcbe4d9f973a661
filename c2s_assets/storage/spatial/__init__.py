"""How files hold positions in a tissue, and the tables that are made of them."""
