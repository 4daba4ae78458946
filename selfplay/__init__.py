"""Games on purpose: matches between GTP engines and the Elo they give."""
