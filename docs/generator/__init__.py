"""Reference pages and schemas made from the code, and the guides' commands run for their output."""
