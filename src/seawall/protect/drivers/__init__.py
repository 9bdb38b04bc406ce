"""Drivers: what an agent uses to make a tool beside it do what the order book says. One file each, alike."""
