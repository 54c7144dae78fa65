-- What happened, for reports. learner_id has no foreign key: an event outlives its learner.

CREATE TABLE public.analytics (
    id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
    learner_id text,
    organization_id text NOT NULL REFERENCES public.organizations (id) ON UPDATE CASCADE ON DELETE CASCADE,
    event_type text NOT NULL,
    event_data jsonb NOT NULL DEFAULT '{}',
    timestamp timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

COMMENT ON COLUMN public.analytics.event_type IS
    'nugget_viewed, choice_made, question_answered, mastery_updated, ai_api_call, …; an open list';

CREATE INDEX analytics_learner_id_idx ON public.analytics (learner_id);
CREATE INDEX analytics_organization_id_idx ON public.analytics (organization_id);
CREATE INDEX analytics_event_type_idx ON public.analytics (event_type);
CREATE INDEX analytics_timestamp_idx ON public.analytics (timestamp);

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.analytics TO lms_app;
