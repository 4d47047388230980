"""The staff's web desk: pages made on the server, which work without a script."""
