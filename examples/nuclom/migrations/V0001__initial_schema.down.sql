-- Intent: undoes V0001: drops the 25 tables WITH ALL THEIR ROWS, the four functions and the 9 enumerations.
--   Nothing is dropped by CASCADE: an object that was built on these since makes this file fail and changes nothing.
-- Locks: AccessExclusive on every table until the end.
-- Undo: V0001 brings the structure back; rows only come back from a backup.

DROP TABLE public.knowledge_nodes;
DROP TABLE public.transcript_chunks;
DROP TABLE public.ai_action_items;
DROP TABLE public.ai_topics;
DROP TABLE public.decision_edits;
DROP TABLE public.decision_subscriptions;
DROP TABLE public.decision_links;
DROP TABLE public.decision_tag_assignments;
DROP TABLE public.decision_tags;
DROP TABLE public.decision_participants;
DROP TABLE public.decisions;
DROP TABLE public.quote_cards;
DROP TABLE public.highlight_reels;
DROP TABLE public.video_clips;
DROP TABLE public.video_moments;
DROP TABLE public.comments;
DROP TABLE public.video_progress;
DROP TABLE public.videos;
DROP TABLE public.collections;
DROP TABLE public.channels;
DROP TABLE public.user_preferences;
DROP TABLE public.user_extensions;
DROP TABLE public.organization_users;
DROP TABLE public.organizations;
DROP TABLE public.users;

DROP FUNCTION public.run_as_user(text);
DROP FUNCTION public.fellow_members();
DROP FUNCTION public.current_user_org_ids_as(public."OrganizationRole");
DROP FUNCTION public.current_user_org_ids();

DROP TYPE public."ActionItemPriority";
DROP TYPE public."ActionItemStatus";
DROP TYPE public."TopicTrend";
DROP TYPE public."HighlightReelStatus";
DROP TYPE public."ClipStatus";
DROP TYPE public."ClipType";
DROP TYPE public."MomentType";
DROP TYPE public."ProcessingStatus";
DROP TYPE public."OrganizationRole";
