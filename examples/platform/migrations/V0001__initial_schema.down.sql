-- Intent: undoes V0001: the 15 tables WITH ALL THEIR ROWS. Nothing is dropped by CASCADE: an object that was built on
--   these since makes this file fail and changes nothing.
-- Locks: AccessExclusive on every table until the end.
-- Undo: V0001 brings the structure back; rows only come back from a backup.

DROP TABLE public.ai_personalities;
DROP TABLE public.budget_alerts;
DROP TABLE public.cost_summaries;
DROP TABLE public.cost_events;
DROP TABLE public.knowledge_chunks;
DROP TABLE public.knowledge_documents;
DROP TABLE public.messages;
DROP TABLE public.sessions;
DROP TABLE public.meetings;
DROP TABLE public.widgets;
DROP TABLE public.verification_tokens;
DROP TABLE public.auth_sessions;
DROP TABLE public.accounts;
DROP TABLE public.users;
DROP TABLE public.tenants;
