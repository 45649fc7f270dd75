"""What is made for an environment in the other services, step by step, and how it goes again."""
