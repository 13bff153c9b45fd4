"""The client for programs that meter, against the real server."""
