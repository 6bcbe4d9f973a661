set allowed_directories = $directories;
