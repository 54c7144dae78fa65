-- Intent: undoes V0001: the 11 tables WITH ALL THEIR ROWS, and the 7 enumerations. Nothing is dropped by CASCADE.
-- Locks: AccessExclusive on every table until the end.
-- Undo: V0001 brings the structure back; rows only come back from a backup.

DROP TABLE public.audit_logs;
DROP TABLE public.conversations;
DROP TABLE public.usage_events;
DROP TABLE public.query_logs;
DROP TABLE public.chunks;
DROP TABLE public.documents;
DROP TABLE public.connectors;
DROP TABLE public.projects;
DROP TABLE public.api_keys;
DROP TABLE public.users;
DROP TABLE public.tenants;

DROP TYPE public.api_key_env;
DROP TYPE public.connector_status;
DROP TYPE public.connector_type;
DROP TYPE public.document_status;
DROP TYPE public.role;
DROP TYPE public.region;
DROP TYPE public.plan;
