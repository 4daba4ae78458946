"""How to think: networks, evaluators, tree search, players."""
