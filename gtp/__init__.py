"""The Go Text Protocol, version 2: how Go programs talk to the engine, and the same game in a terminal."""
