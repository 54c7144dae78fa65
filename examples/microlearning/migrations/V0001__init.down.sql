-- Intent: undoes V0001: drops the 17 tables WITH ALL THEIR ROWS and the trigger function.
--   Nothing is dropped by CASCADE: an object that was built on these since makes this file fail and changes nothing.
-- Locks: AccessExclusive on every table until the end.
-- Undo: V0001 brings the structure back; rows only come back from a backup.

DROP TABLE public.analytics;
DROP TABLE public.ai_model_configs;
DROP TABLE public.voice_configs;
DROP TABLE public.system_settings;
DROP TABLE public.nugget_sources;
DROP TABLE public.ingestion_jobs;
DROP TABLE public.monitored_urls;
DROP TABLE public.watched_folders;
DROP TABLE public.progress;
DROP TABLE public.messages;
DROP TABLE public.session_nodes;
DROP TABLE public.sessions;
DROP TABLE public.narrative_nodes;
DROP TABLE public.nuggets;
DROP TABLE public.learners;
DROP TABLE public.users;
DROP TABLE public.organizations;

DROP FUNCTION public.set_updated_at();
