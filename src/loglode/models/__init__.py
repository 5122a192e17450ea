"""Silver rows in, business metrics out."""
