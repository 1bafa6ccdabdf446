"""What is held of a client once its files were read: told, deleted, traced back only where the key is."""
