-- Intent: the document's three query patterns, as functions that run with the caller's rights: a page of sessions, hybrid
--   search, cost by period and service. Row-level security applies inside; the tenant is an argument as well, so that the
--   index on it serves.
-- Locks: new objects only.
-- Undo: V0004__query_functions.down.sql; no row is lost.

-- One page of a tenant's sessions, newest first, and one row more when there are more: its (created_at, id) is where the
-- next page begins. The cursor is that pair; a page ends where two sessions of the same instant are told apart by id.
CREATE FUNCTION public.list_sessions(
    p_tenant_id uuid,
    p_limit integer DEFAULT 50,
    p_from_created_at timestamp DEFAULT NULL,
    p_from_id uuid DEFAULT NULL,
    p_widget_id uuid DEFAULT NULL
)
RETURNS SETOF public.sessions
LANGUAGE plpgsql STABLE
AS $function$
BEGIN
    IF p_limit IS NULL OR p_limit NOT BETWEEN 1 AND 100 THEN
        RAISE EXCEPTION 'a page has 1 to 100 sessions, not %', p_limit USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF (p_from_created_at IS NULL) <> (p_from_id IS NULL) THEN
        RAISE EXCEPTION 'a cursor is a time and an id' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN QUERY
        SELECT s.* FROM public.sessions s
        WHERE s.tenant_id = p_tenant_id
          AND (p_from_id IS NULL OR (s.created_at, s.id) <= (p_from_created_at, p_from_id))
          AND (p_widget_id IS NULL OR s.widget_id = p_widget_id)
        ORDER BY s.created_at DESC, s.id DESC
        LIMIT p_limit + 1;
END
$function$;

-- Documents by meaning and by words: the nearest 30 and the best-ranked 30, weighed 0.6 to 0.4. A document without an
-- embedding is found by its words alone, whichever plan the search takes.
CREATE FUNCTION public.hybrid_search(
    p_query text,
    p_embedding public.vector(1024),
    p_tenant_id uuid,
    p_limit integer DEFAULT 10
)
RETURNS TABLE (id uuid, title text, content text, combined_score double precision)
LANGUAGE sql STABLE
AS $function$
    WITH vector_search AS (
        SELECT d.id, d.title, d.content, 1 - (d.embedding OPERATOR(public.<=>) p_embedding) AS vector_score
        FROM public.knowledge_documents d
        WHERE d.tenant_id = p_tenant_id AND d.embedding IS NOT NULL
        ORDER BY d.embedding OPERATOR(public.<=>) p_embedding
        LIMIT 30
    ),
    keyword_search AS (
        SELECT d.id, d.title, d.content,
               ts_rank(to_tsvector('english', d.content), plainto_tsquery('english', p_query)) AS keyword_score
        FROM public.knowledge_documents d
        WHERE d.tenant_id = p_tenant_id
          AND to_tsvector('english', d.content) @@ plainto_tsquery('english', p_query)
        ORDER BY keyword_score DESC
        LIMIT 30
    ),
    combined AS (
        SELECT COALESCE(v.id, k.id) AS id, COALESCE(v.title, k.title) AS title, COALESCE(v.content, k.content) AS content,
               COALESCE(v.vector_score, 0) * 0.6 + COALESCE(k.keyword_score, 0) * 0.4 AS combined_score
        FROM vector_search v FULL OUTER JOIN keyword_search k ON v.id = k.id
    )
    SELECT c.id, c.title, c.content, c.combined_score FROM combined c ORDER BY c.combined_score DESC, c.id LIMIT p_limit;
$function$;

-- What a tenant spent, per period and service, both ends of the range included. The unit is one of three words: it must
-- be the same expression in SELECT and GROUP BY, which two parameters of a client are not.
CREATE FUNCTION public.cost_by_period(
    p_tenant_id uuid,
    p_start timestamp,
    p_end timestamp,
    p_unit text DEFAULT 'day'
)
RETURNS TABLE (period timestamp, service text, total_cost numeric, total_tokens bigint)
LANGUAGE plpgsql STABLE
AS $function$
BEGIN
    IF p_unit IS NULL OR p_unit NOT IN ('day', 'week', 'month') THEN
        RAISE EXCEPTION 'costs are grouped by day, week or month, not by "%"', p_unit
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN QUERY
        SELECT date_trunc(p_unit, e."timestamp"), e.service, sum(e.cost_usd), sum(e.tokens_used)
        FROM public.cost_events e
        WHERE e.tenant_id = p_tenant_id AND e."timestamp" BETWEEN p_start AND p_end
        GROUP BY 1, 2
        ORDER BY 1, 2;
END
$function$;

REVOKE ALL ON FUNCTION public.list_sessions(uuid, integer, timestamp, uuid, uuid) FROM PUBLIC;
REVOKE ALL ON FUNCTION public.hybrid_search(text, public.vector, uuid, integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION public.cost_by_period(uuid, timestamp, timestamp, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.list_sessions(uuid, integer, timestamp, uuid, uuid) TO platform_app;
GRANT EXECUTE ON FUNCTION public.hybrid_search(text, public.vector, uuid, integer) TO platform_app;
GRANT EXECUTE ON FUNCTION public.cost_by_period(uuid, timestamp, timestamp, text) TO platform_app;
