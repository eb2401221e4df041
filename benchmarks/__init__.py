"""Side-by-side timings that print ratios, and the long protocols behind the committed tables."""
