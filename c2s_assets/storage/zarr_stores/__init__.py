"""What is read of zarr stores, whoever wrote them: what they claim first, then arrays chunk by chunk."""
