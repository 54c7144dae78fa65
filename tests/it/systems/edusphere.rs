//! This repository's own project: the shape of its document, name by name. What it promises of rows, graph and
//! search is in `content.rs`, `graph/` and `vectors/`.

use super::{System, columns, counted, keep, life};

const EDUSPHERE: System = System("edusphere");

/// Table, name and columns of every index that the document prints, the three vector indexes apart.
const INDEXES: [&str; 41] = [
    "agent_definitions idx_agent_defs_creator (creator_id)",
    "agent_definitions idx_agent_defs_template (template_type)",
    "agent_definitions idx_agent_defs_tenant (tenant_id)",
    "agent_executions idx_agent_execs_agent (agent_id)",
    "agent_executions idx_agent_execs_status (status)",
    "agent_executions idx_agent_execs_tenant (tenant_id)",
    "agent_executions idx_agent_execs_user (user_id)",
    "annotation_embeddings idx_annotation_emb_tenant (tenant_id)",
    "annotations idx_annotations_asset (asset_id)",
    "annotations idx_annotations_asset_time (asset_id, timestamp_start)",
    "annotations idx_annotations_layer (layer)",
    "annotations idx_annotations_parent (parent_id)",
    "annotations idx_annotations_tenant (tenant_id)",
    "annotations idx_annotations_user (user_id)",
    "collab_documents idx_collab_docs_entity (entity_type, entity_id)",
    "collab_documents idx_collab_docs_name (tenant_id, document_name)",
    "collab_documents idx_collab_docs_tenant (tenant_id)",
    "collab_sessions idx_collab_sessions_doc (document_id)",
    "concept_embeddings idx_concept_emb_concept (concept_id)",
    "concept_embeddings idx_concept_emb_tenant (tenant_id)",
    "content_embeddings idx_content_emb_asset (asset_id)",
    "content_embeddings idx_content_emb_tenant (tenant_id)",
    "courses idx_courses_creator (creator_id)",
    "courses idx_courses_tenant (tenant_id)",
    "crdt_updates idx_crdt_updates_doc (document_id)",
    "crdt_updates idx_crdt_updates_doc_seq (document_id, seq)",
    "media_assets idx_media_module (module_id)",
    "media_assets idx_media_tenant (tenant_id)",
    "media_assets idx_media_transcription_status (transcription_status)",
    "media_assets idx_media_type (type)",
    "modules idx_modules_course (course_id)",
    "modules idx_modules_tenant (tenant_id)",
    "transcript_segments idx_segments_asset (asset_id)",
    "transcript_segments idx_segments_tenant (tenant_id)",
    "transcript_segments idx_segments_time_range (asset_id, start_time, end_time)",
    "transcript_segments idx_segments_transcript (transcript_id)",
    "transcripts idx_transcripts_asset (asset_id)",
    "transcripts idx_transcripts_tenant (tenant_id)",
    "users idx_users_email (email)",
    "users idx_users_keycloak (keycloak_user_id)",
    "users idx_users_tenant (tenant_id)",
];

/// Table, name and command of every policy.
const POLICIES: [&str; 28] = [
    "agent_definitions agent_defs_delete_own DELETE",
    "agent_definitions agent_defs_insert_tenant INSERT",
    "agent_definitions agent_defs_select_tenant SELECT",
    "agent_definitions agent_defs_update_own UPDATE",
    "agent_executions agent_execs_tenant_isolation ALL",
    "annotation_embeddings annotation_embeddings_tenant_isolation ALL",
    "annotations annotations_delete_own DELETE",
    "annotations annotations_insert_tenant INSERT",
    "annotations annotations_select_tenant SELECT",
    "annotations annotations_update_own UPDATE",
    "collab_documents collab_docs_tenant_isolation ALL",
    "collab_sessions collab_sessions_tenant_isolation ALL",
    "concept_embeddings concept_embeddings_tenant_isolation ALL",
    "content_embeddings content_embeddings_tenant_isolation ALL",
    "courses courses_delete_same_tenant DELETE",
    "courses courses_insert_same_tenant INSERT",
    "courses courses_select_same_tenant SELECT",
    "courses courses_update_same_tenant UPDATE",
    "crdt_updates crdt_updates_tenant_isolation ALL",
    "media_assets media_tenant_isolation ALL",
    "modules modules_tenant_isolation ALL",
    "tenants tenants_select_own SELECT",
    "tenants tenants_update_own UPDATE",
    "transcript_segments segments_tenant_isolation ALL",
    "transcripts transcripts_tenant_isolation ALL",
    "users users_insert_same_tenant INSERT",
    "users users_select_same_tenant SELECT",
    "users users_update_same_tenant UPDATE",
];

/// The enumerations, their values in order.
const ENUMS: [&str; 10] = [
    "agent_output_format: chat overlay side_panel notification",
    "agent_template: chavruta summarizer quiz_master research_scout explainer custom",
    "agent_trigger: manual on_annotation on_new_content scheduled",
    "annotation_layer: personal shared instructor ai_generated",
    "annotation_type: text sketch link bookmark spatial_comment",
    "execution_status: queued running completed failed cancelled",
    "media_type: video audio pdf image document",
    "tenant_plan: free starter professional enterprise",
    "transcription_status: pending processing completed failed",
    "user_role: super_admin org_admin instructor student researcher",
];

fn lines(db: &crate::support::Database, sql: &str) -> Vec<String> {
    let mut all: Vec<String> = db.rows(sql).into_iter().map(|row| row.join(" ")).collect();
    all.sort_unstable();
    all
}

#[test]
fn edusphere_lives() {
    life(EDUSPHERE);
}

#[test]
fn edusphere_has_what_its_document_wants() {
    counted(EDUSPHERE);
}

#[test]
fn edusphere_has_every_column_of_its_document() {
    columns(EDUSPHERE);
}

#[test]
fn edusphere_comes_back_from_its_backup() {
    keep(EDUSPHERE);
}

#[test]
fn edusphere_has_every_index_that_its_document_prints() {
    let found = lines(
        &EDUSPHERE.database(),
        "SELECT c.relname, i.relname, substring(pg_get_indexdef(i.oid) FROM 'USING btree (.*)$')
         FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
         WHERE c.relnamespace = 'public'::regnamespace AND x.indisvalid",
    );
    let missing: Vec<&&str> = INDEXES
        .iter()
        .filter(|index| !found.iter().any(|there| there == **index))
        .collect();
    assert!(missing.is_empty(), "{missing:#?} of {found:#?}");
}

#[test]
fn eduspheres_vector_indexes_are_the_printed_ones() {
    let found = lines(
        &EDUSPHERE.database(),
        "SELECT regexp_replace(pg_get_indexdef(x.indexrelid), '^CREATE INDEX (.*) ON public.(.*) USING ', '\\2 \\1 ')
         FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_am am ON am.oid = i.relam WHERE am.amname = 'hnsw'",
    );
    let wanted = ["annotation", "concept", "content"].map(|what| {
        format!(
            "{what}_embeddings idx_{what}_emb_hnsw hnsw (embedding vector_cosine_ops) WITH (m='16', ef_construction='200')"
        )
    });
    assert_eq!(found, wanted);
}

#[test]
fn eduspheres_policies_are_the_printed_ones_for_its_application_alone() {
    let db = EDUSPHERE.database();
    let found = lines(
        &db,
        "SELECT tablename, policyname, cmd FROM pg_policies WHERE schemaname = 'public' AND permissive = 'PERMISSIVE'
           AND roles = '{edusphere_app}'",
    );
    assert_eq!(found, POLICIES);
}

#[test]
fn eduspheres_enumerations_have_their_values_in_order() {
    let found = lines(
        &EDUSPHERE.database(),
        "SELECT t.typname || ':', string_agg(e.enumlabel, ' ' ORDER BY e.enumsortorder) FROM pg_type t
         JOIN pg_enum e ON e.enumtypid = t.oid GROUP BY 1",
    );
    assert_eq!(found, ENUMS);
}
