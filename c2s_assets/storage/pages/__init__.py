"""Pages on datasets: what is read of their tables, and how it is put together."""
