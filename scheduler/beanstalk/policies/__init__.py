"""How a deployment goes: one policy a module, each a handful of stages that follow one another."""
