-- What is learned: nuggets, and the nodes of a story that lead from one to the next.

CREATE TABLE public.nuggets (
    id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
    organization_id text NOT NULL REFERENCES public.organizations (id) ON UPDATE CASCADE ON DELETE CASCADE,
    content text NOT NULL,
    embedding public.vector(1536),
    metadata jsonb NOT NULL DEFAULT '{}',
    image_url text,
    audio_url text,
    status text NOT NULL DEFAULT 'pending',
    created_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

COMMENT ON COLUMN public.nuggets.metadata IS
    '{topics: text[], difficulty: 1 to 10, prerequisites: text[], estimatedTime: minutes, relatedConcepts: text[]}';
COMMENT ON COLUMN public.nuggets.status IS
    'pending, processing, ready or failed';

CREATE INDEX nuggets_organization_id_idx ON public.nuggets (organization_id);
CREATE INDEX nuggets_status_idx ON public.nuggets (status);
CREATE INDEX nuggets_created_at_idx ON public.nuggets (created_at);
CREATE INDEX nuggets_content_fts_idx ON public.nuggets USING gin (to_tsvector('english'::regconfig, content));
CREATE INDEX nuggets_ready_idx ON public.nuggets (organization_id, created_at) WHERE status = 'ready';

CREATE TRIGGER set_updated_at BEFORE UPDATE ON public.nuggets
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.nuggets TO lms_app;

CREATE TABLE public.narrative_nodes (
    id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
    nugget_id text NOT NULL REFERENCES public.nuggets (id) ON UPDATE CASCADE ON DELETE CASCADE,
    organization_id text NOT NULL REFERENCES public.organizations (id) ON UPDATE CASCADE ON DELETE CASCADE,
    choices jsonb NOT NULL DEFAULT '[]',
    prerequisites text[] DEFAULT ARRAY[]::text[],
    adapts_to text[] DEFAULT ARRAY[]::text[],
    position jsonb,
    created_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

COMMENT ON COLUMN public.narrative_nodes.choices IS
    '[{id, text, nextNodeId: id or null, revealsGap: text[], confirmsMastery: text[]}]';
COMMENT ON COLUMN public.narrative_nodes.adapts_to IS
    'the knowledge gaps that it closes';
COMMENT ON COLUMN public.narrative_nodes.position IS
    '{x, y}, for drawing';

CREATE INDEX narrative_nodes_nugget_id_idx ON public.narrative_nodes (nugget_id);
CREATE INDEX narrative_nodes_organization_id_idx ON public.narrative_nodes (organization_id);

GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.narrative_nodes TO lms_app;
