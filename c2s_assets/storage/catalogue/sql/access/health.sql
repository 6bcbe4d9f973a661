set allowed_paths = $paths;
