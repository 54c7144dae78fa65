//! SQL texts: statements, their offsets, and header comments. No server.
