"""How good a trained style is: its losses beside optimisation, its artefacts."""
