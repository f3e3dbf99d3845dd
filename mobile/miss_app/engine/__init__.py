"""A complete client without a screen: it talks to the server, keeps the store and tells what happened."""
