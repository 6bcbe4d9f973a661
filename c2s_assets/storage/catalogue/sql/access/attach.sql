attach $path as catalogue (read_only);
