-- Semantic search within one tenant. Called as the application role, row-level security applies inside as well.
-- Plain SQL functions without a SET clause, so that the planner inlines them and can use the vector index.
-- The size in vector(768) is not enforced on arguments; a vector of another size fails at the <=> operator.

CREATE OR REPLACE FUNCTION public.search_content_semantic(
    query_embedding public.vector(768),
    p_tenant_id uuid,
    p_limit integer DEFAULT 10,
    p_min_similarity float DEFAULT 0.7
)
RETURNS TABLE (
    segment_id uuid,
    asset_id uuid,
    source_text text,
    similarity float
)
LANGUAGE sql STABLE
AS $function$
    SELECT
        ce.segment_id,
        ce.asset_id,
        ce.source_text,
        1 - (ce.embedding OPERATOR(public.<=>) query_embedding) AS similarity
    FROM public.content_embeddings ce
    WHERE ce.tenant_id = p_tenant_id
      AND 1 - (ce.embedding OPERATOR(public.<=>) query_embedding) >= p_min_similarity
    ORDER BY ce.embedding OPERATOR(public.<=>) query_embedding
    LIMIT p_limit;
$function$;

-- The vector half of a hybrid search; the caller walks the graph from the concepts it returns.
CREATE OR REPLACE FUNCTION public.search_concepts_semantic(
    query_embedding public.vector(768),
    p_tenant_id uuid,
    p_limit integer DEFAULT 10
)
RETURNS TABLE (
    concept_id uuid,
    source_text text,
    similarity float
)
LANGUAGE sql STABLE
AS $function$
    SELECT
        ce.concept_id,
        ce.source_text,
        1 - (ce.embedding OPERATOR(public.<=>) query_embedding) AS similarity
    FROM public.concept_embeddings ce
    WHERE ce.tenant_id = p_tenant_id
    ORDER BY ce.embedding OPERATOR(public.<=>) query_embedding
    LIMIT p_limit;
$function$;

REVOKE ALL ON FUNCTION public.search_content_semantic(public.vector, uuid, integer, float) FROM PUBLIC;
REVOKE ALL ON FUNCTION public.search_concepts_semantic(public.vector, uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.search_content_semantic(public.vector, uuid, integer, float) TO edusphere_app;
GRANT EXECUTE ON FUNCTION public.search_concepts_semantic(public.vector, uuid, integer) TO edusphere_app;
