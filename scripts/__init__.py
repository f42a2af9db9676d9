"""What the Makefile and maintainers run; none of it is part of the app."""
