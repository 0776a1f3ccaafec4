"""The faces of Passages: the page and the command line over one service."""
