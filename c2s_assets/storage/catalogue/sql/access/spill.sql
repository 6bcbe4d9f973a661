set temp_directory = $directory;
