"""What undeclared files seem to be: sniffed, proposed, signed by a person; and what a wave changed."""
