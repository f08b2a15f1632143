"""How to move live traffic from one variant to another: deciding only, with time, chance and evidence passed in."""
