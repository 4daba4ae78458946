"""Records to weights: stores, batches, one training loop, its stages, and what comes out of them."""
