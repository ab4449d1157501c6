"""How good a trained style is: its losses beside optimization, its artifacts."""
