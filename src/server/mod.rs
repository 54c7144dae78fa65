//! The embedded server: PostgreSQL + Apache AGE + pgvector, private to this machine and project.
