"""How the two models are made: data -> train -> export -> quantise -> evaluate."""
