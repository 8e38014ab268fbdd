"""The published drawing sets: `fetch` gets them from their registry, `pack` makes one array file of what is drawn."""
