-- One row per batch that is in, of a load into a graph that has not ended. Cleared with its end.
CREATE TABLE IF NOT EXISTS edu.graph_load (
    graph text NOT NULL,
    source text NOT NULL,
    first_line int8 NOT NULL,
    lines int8 NOT NULL,
    items int8 NOT NULL,
    digest text NOT NULL,
    done_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (graph, source, first_line)
)
