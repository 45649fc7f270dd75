"""Option settings: which there are, what they may be, which are in effect, and what a change of them asks for."""
