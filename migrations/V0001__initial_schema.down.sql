-- Intent: undoes V0001: the 16 tables WITH ALL THEIR ROWS, the trigger functions, run_as_tenant and the 10 enumerations.
--   Nothing is dropped by CASCADE: an object that was built on these since makes this file fail and changes nothing.
-- Locks: AccessExclusive on every table until the end.
-- Undo: V0001 brings the structure back; rows only come back from a backup.

DROP TABLE public.concept_embeddings;
DROP TABLE public.annotation_embeddings;
DROP TABLE public.content_embeddings;
DROP TABLE public.agent_executions;
DROP TABLE public.agent_definitions;
DROP TABLE public.collab_sessions;
DROP TABLE public.crdt_updates;
DROP TABLE public.collab_documents;
DROP TABLE public.annotations;
DROP TABLE public.transcript_segments;
DROP TABLE public.transcripts;
DROP TABLE public.media_assets;
DROP TABLE public.modules;
DROP TABLE public.courses;
DROP TABLE public.users;
DROP TABLE public.tenants;

DROP FUNCTION public.run_as_tenant(uuid, uuid);
DROP FUNCTION public.set_last_seen_at();
DROP FUNCTION public.set_updated_at();

DROP TYPE public.tenant_plan;
DROP TYPE public.execution_status;
DROP TYPE public.agent_output_format;
DROP TYPE public.agent_trigger;
DROP TYPE public.agent_template;
DROP TYPE public.annotation_layer;
DROP TYPE public.annotation_type;
DROP TYPE public.transcription_status;
DROP TYPE public.media_type;
DROP TYPE public.user_role;
