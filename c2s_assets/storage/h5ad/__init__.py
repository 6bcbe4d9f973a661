"""Reading h5ad files: every encoding since AnnData 0.6, streamed, and hostile until checked."""
