//! Tenants by membership: a table says which user belongs to which organization, and the session has a
//! user alone.

use super::*;

const CONTEXT: &str = "user = \"app.user_id\"";
const USER: &str = "NULLIF(current_setting('app.user_id', true), '')";
const MEMBERSHIP: &str = "[membership]\ntable = \"public.organization_users\"\nuser = \"user_id\"\ntenant = \"organization_id\"\n";

/// Organizations with members, videos and their comments; `functions` come first.
fn studio(functions: &str, listed: &[&str], members: &str, videos: &str, comments: &str) -> Case {
    let schema = format!(
        "CREATE TABLE organizations (id text PRIMARY KEY, name text);
         CREATE TABLE users (id text PRIMARY KEY, name text);
         CREATE TABLE organization_users (id text PRIMARY KEY, user_id text NOT NULL REFERENCES users ON DELETE CASCADE,
            organization_id text NOT NULL REFERENCES organizations ON DELETE CASCADE, role text NOT NULL DEFAULT 'member', UNIQUE (user_id, organization_id));
         CREATE TABLE videos (id text PRIMARY KEY, organization_id text NOT NULL REFERENCES organizations ON DELETE CASCADE, title text);
         CREATE TABLE comments (id text PRIMARY KEY, video_id text NOT NULL REFERENCES videos ON DELETE CASCADE, body text);
         CREATE INDEX ON organization_users (organization_id); CREATE INDEX ON videos (organization_id); CREATE INDEX ON comments (video_id);
         {functions};
         {}
         ALTER TABLE organization_users NO FORCE ROW LEVEL SECURITY;
         CREATE POLICY a ON organizations TO form_app USING ({});
         CREATE POLICY a ON users TO form_app USING (id = {USER});
         CREATE POLICY a ON organization_users TO form_app USING ({members});
         CREATE POLICY a ON videos TO form_app USING ({videos});
         CREATE POLICY a ON comments TO form_app USING ({comments});",
        secured(&["organizations", "users", "organization_users", "videos", "comments"]),
        videos.replacen("organization_id", "id", 1),
    );
    let own = "[[table]]\nname = \"public.users\"\nowner = \"id\"\naccess.form_app = { select = \"own\", insert = \"own\", update = \"own\", delete = \"own\" }\n";
    let functions: String = listed
        .iter()
        .map(|name| format!("[[function]]\nname = \"{name}\"\ncallers = [\"form_app\"]\n"))
        .collect();
    let definer: Vec<&str> = listed.to_vec();
    let doors = match definer.is_empty() {
        true => String::new(),
        false => {
            exception("definer-function-callable", &definer)
                + &exception("policy-helper-unsafe", &definer)
        }
    };
    let keys: Vec<String> = [
        "organizations.organizations_pkey",
        "users.users_pkey",
        "organization_users.organization_users_pkey",
        "videos.videos_pkey",
        "comments.comments_pkey",
    ]
    .iter()
    .map(|key| format!("public.{key}"))
    .filter(|key| !key.contains("organizations_pkey") && !key.contains("users.users_pkey"))
    .collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let access = format!(
        "root = \"public.organizations\"\n{MEMBERSHIP}{}{own}{}{}{}{functions}{doors}{}{}",
        table("organizations", "tenant = \"id\""),
        table("organization_users", "tenant = \"organization_id\""),
        table("videos", "tenant = \"organization_id\""),
        table("comments", "tenant = \"video_id.organization_id\""),
        exception("rls-not-forced", &["public.organization_users"]),
        exception("unique-without-tenant", &keys)
            + &exception(
                "foreign-key-without-tenant",
                &["public.organization_users.organization_users_user_id_fkey"]
            ),
    );
    case(CONTEXT, &schema, &access)
}

const IS_MEMBER: &str = "CREATE FUNCTION is_member(organization text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM organization_users m WHERE m.organization_id = organization AND m.user_id = NULLIF(current_setting('app.user_id', true), ''))
    $$; GRANT EXECUTE ON FUNCTION is_member(text) TO form_app";

fn by_function() -> Case {
    studio(
        IS_MEMBER,
        &["public.is_member(text)"],
        "is_member(organization_id)",
        "is_member(organization_id)",
        "EXISTS (SELECT 1 FROM videos v WHERE v.id = video_id AND is_member(v.organization_id))",
    )
}

#[test]
fn membership_by_a_definer_function_is_proved_and_tried() {
    by_function().clean();
}

#[test]
fn a_function_that_gives_the_users_organizations_is_proved_in_each_of_its_forms() {
    let query =
        format!("SELECT organization_id FROM public.organization_users WHERE user_id = {USER}");
    let head = "LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER";
    let grant = "GRANT EXECUTE ON FUNCTION mine() TO form_app";
    let set = format!("CREATE FUNCTION mine() RETURNS SETOF text {head} AS $$ {query} $$; {grant}");
    let atomic = format!(
        "CREATE FUNCTION mine() RETURNS SETOF text {head} BEGIN ATOMIC {query}; END; {grant}"
    );
    let plpgsql = set
        .replace("LANGUAGE sql", "LANGUAGE plpgsql")
        .replace("$$ SELECT", "$$ BEGIN RETURN QUERY SELECT")
        .replace(" $$;", "; END $$;");
    let array = format!(
        "CREATE FUNCTION mine() RETURNS text[] {head} AS $$ SELECT COALESCE(array_agg(organization_id), '{{}}') FROM public.organization_users WHERE user_id = {USER} $$; {grant}"
    );
    for (function, condition) in [
        (&set, "organization_id IN (SELECT mine())"),
        (&set, "organization_id IN (SELECT m FROM mine() m)"),
        (&atomic, "organization_id = ANY (ARRAY(SELECT mine()))"),
        (&plpgsql, "organization_id IN (SELECT mine())"),
        (&array, "organization_id = ANY (mine())"),
        (&array, "organization_id = ANY ((SELECT mine())::text[])"),
    ] {
        let comments = format!(
            "video_id IN (SELECT id FROM videos v WHERE {})",
            condition.replace("organization_id", "v.organization_id")
        );
        studio(
            function,
            &["public.mine()"],
            condition,
            condition,
            &comments,
        )
        .clean();
    }
}

#[test]
fn a_sub_select_on_the_members_is_proved_where_their_own_policies_allow_it() {
    // Members see their own memberships only; everything else asks those.
    let mine = format!(
        "organization_id IN (SELECT m.organization_id FROM organization_users m WHERE m.user_id = {USER})"
    );
    let case = studio(
        "SELECT 1",
        &[],
        &format!("user_id = {USER}"),
        &mine,
        "EXISTS (SELECT FROM videos v WHERE v.id = video_id)",
    );
    let access = std::fs::read_to_string(case.project.path().join("spec/access.toml")).unwrap();
    let (before, after) = access
        .split_once("name = \"public.organization_users\"\n")
        .unwrap();
    let own = after
        .replacen(
            "tenant = \"organization_id\"\n",
            "tenant = \"organization_id\"\nowner = \"user_id\"\n",
            1,
        )
        .replacen(
            "select = \"tenant\", insert = \"tenant\", update = \"tenant\", delete = \"tenant\"",
            "select = \"own\", insert = \"deny\", update = \"deny\", delete = \"own\"",
            1,
        );
    // A key of one's own row tells nothing, and nobody chooses an id where nobody may write.
    let (own, _) = own
        .split_once("[[exception]]\ncheck = \"foreign-key-without-tenant\"")
        .unwrap();
    let own = own.replace(
        "\"public.organization_users.organization_users_pkey\", ",
        "",
    );
    case.project.write(
        "spec/access.toml",
        &format!("{before}name = \"public.organization_users\"\n{own}"),
    );
    // Whoever may add a membership lets itself in.
    case.says(
        "proof",
        "policy-wider-than-declared",
        "public.organization_users",
        "INSERT",
    );
    case.changed("REVOKE INSERT, UPDATE ON organization_users FROM form_app; DROP POLICY a ON organization_users;
        CREATE POLICY a ON organization_users FOR SELECT TO form_app USING (user_id = NULLIF(current_setting('app.user_id', true), ''));
        CREATE POLICY b ON organization_users FOR DELETE TO form_app USING (user_id = NULLIF(current_setting('app.user_id', true), ''))");
    case.clean();
}

#[test]
fn a_membership_that_asks_less_or_another_table_is_refuted() {
    let case = by_function();
    let body = |body: &str| {
        format!(
            "CREATE OR REPLACE FUNCTION is_member(organization text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$ {body} $$"
        )
    };
    // Any member of anything.
    case.changed(&body("SELECT EXISTS (SELECT 1 FROM organization_users m WHERE m.user_id = NULLIF(current_setting('app.user_id', true), ''))"));
    assert!(!case.ids("proof").is_empty());
    case.says("probe", "foreign-rows-reached", "public.videos", "tenant B");
    // Anybody's membership.
    case.changed(&body(
        "SELECT EXISTS (SELECT 1 FROM organization_users m WHERE m.organization_id = organization)",
    ));
    assert!(!case.ids("proof").is_empty());
    case.says("probe", "foreign-rows-reached", "public.videos", "tenant B");
    // A parameter that is the column it is compared with.
    case.changed(&body("SELECT EXISTS (SELECT 1 FROM organization_users m WHERE m.organization_id = organization_id AND m.user_id = NULLIF(current_setting('app.user_id', true), ''))"));
    assert!(!case.ids("proof").is_empty());
    // Only some of the members.
    case.changed(&body("SELECT EXISTS (SELECT 1 FROM organization_users m WHERE m.organization_id = organization AND m.user_id = NULLIF(current_setting('app.user_id', true), '') AND m.role = 'owner')"));
    case.says(
        "proof",
        "policy-narrower-than-declared",
        "public.videos",
        "public.organization_users.role",
    );
}

#[test]
fn a_definer_function_in_which_a_temporary_table_can_stand_in_is_not_trusted() {
    let case = by_function();
    case.changed("ALTER FUNCTION is_member(text) SET search_path = public");
    case.says(
        "proof",
        "policy-not-provable",
        "public.videos",
        "another table could stand for the one it names",
    );
}

#[test]
fn a_policy_that_reads_its_own_table_is_told_as_endless() {
    let mine = format!(
        "organization_id IN (SELECT m.organization_id FROM organization_users m WHERE m.user_id = {USER})"
    );
    let case = studio(
        "SELECT 1",
        &[],
        &mine,
        &mine,
        "EXISTS (SELECT FROM videos v WHERE v.id = video_id)",
    );
    case.says(
        "static",
        "policy-reads-unprotected",
        "public.organization_users",
        "infinite recursion",
    );
    case.says(
        "probe",
        "promised-access-missing",
        "public.videos",
        "infinite recursion",
    );
}

/// Organizations with users in one each, learners and what they did.
fn lessons(nuggets: &str, sessions: &str) -> Case {
    let schema = format!(
        "CREATE TABLE organizations (id text PRIMARY KEY);
         CREATE TABLE users (id text PRIMARY KEY, organization_id text NOT NULL REFERENCES organizations);
         CREATE TABLE learners (id text PRIMARY KEY, user_id text NOT NULL UNIQUE REFERENCES users, organization_id text NOT NULL REFERENCES organizations);
         CREATE TABLE nuggets (id text PRIMARY KEY, organization_id text NOT NULL REFERENCES organizations, content text);
         CREATE TABLE sessions (id text PRIMARY KEY, learner_id text NOT NULL REFERENCES learners, mode text);
         CREATE INDEX ON users (organization_id); CREATE INDEX ON nuggets (organization_id); CREATE INDEX ON sessions (learner_id);
         CREATE FUNCTION my_organization() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER AS $$
            SELECT u.organization_id FROM public.users u WHERE u.id = {USER} $$;
         GRANT EXECUTE ON FUNCTION my_organization() TO form_app;
         ALTER TABLE nuggets ENABLE ROW LEVEL SECURITY; ALTER TABLE nuggets FORCE ROW LEVEL SECURITY; GRANT SELECT ON nuggets TO form_app;
         ALTER TABLE sessions ENABLE ROW LEVEL SECURITY; ALTER TABLE sessions FORCE ROW LEVEL SECURITY; GRANT SELECT ON sessions TO form_app;
         ALTER TABLE users ENABLE ROW LEVEL SECURITY; GRANT SELECT ON users TO form_app;
         ALTER TABLE learners ENABLE ROW LEVEL SECURITY; ALTER TABLE learners FORCE ROW LEVEL SECURITY; GRANT SELECT ON learners TO form_app;
         CREATE POLICY a ON users FOR SELECT TO form_app USING (organization_id = my_organization());
         CREATE POLICY a ON learners FOR SELECT TO form_app USING (user_id = {USER});
         CREATE POLICY nugget_organization_access ON nuggets FOR SELECT TO form_app USING ({nuggets});
         CREATE POLICY session_learner_access ON sessions FOR SELECT TO form_app USING ({sessions});"
    );
    let read = |rule: &str| {
        format!(
            "access.form_app = {{ select = \"{rule}\", insert = \"deny\", update = \"deny\", delete = \"deny\" }}\n"
        )
    };
    let access = format!(
        "[membership]\ntable = \"public.users\"\nuser = \"id\"\ntenant = \"organization_id\"\n
         [[table]]\nname = \"public.users\"\ntenant = \"organization_id\"\n{}
         [[table]]\nname = \"public.learners\"\nowner = \"user_id\"\n{}
         [[table]]\nname = \"public.nuggets\"\ntenant = \"organization_id\"\n{}
         [[table]]\nname = \"public.sessions\"\nowner = \"learner_id.user_id\"\n{}
         [[function]]\nname = \"public.my_organization()\"\ncallers = [\"form_app\"]\n{}{}{}",
        read("tenant"),
        read("own"),
        read("tenant"),
        read("own"),
        exception("definer-function-callable", &["public.my_organization()"]),
        exception("policy-helper-unsafe", &["public.my_organization()"]),
        exception("rls-not-forced", &["public.users"]),
    );
    case(CONTEXT, &schema, &access)
}

#[test]
fn rows_of_the_users_organization_and_rows_of_the_user_are_proved() {
    lessons(
        &format!("organization_id IN (SELECT organization_id FROM users WHERE id = {USER})"),
        &format!("learner_id IN (SELECT id FROM learners WHERE user_id = {USER})"),
    )
    .clean();
}

#[test]
fn the_same_as_first_written_raises_where_no_user_is_set() {
    let case = lessons(
        "organization_id IN (SELECT organization_id FROM users WHERE id = current_setting('app.user_id'))",
        "learner_id IN (SELECT id FROM learners WHERE user_id = current_setting('app.user_id'))",
    );
    case.says(
        "static",
        "context-form-fragile",
        "public.nuggets",
        "raises 42704",
    );
    case.says(
        "probe",
        "context-raises",
        "public.nuggets",
        "a session without a context",
    );
    assert_eq!(
        case.ids("proof"),
        BTreeSet::new(),
        "who is set reaches what is promised"
    );
    let refused = session(&case.database)
        .attempt("CREATE POLICY x ON users USING (id = current_setting('app.user_id')::uuid)")
        .unwrap_err();
    assert!(
        refused.contains("operator does not exist: text = uuid"),
        "{refused}"
    );
}

#[test]
fn sessions_of_all_learners_of_the_organization_are_more_than_the_users_own() {
    let case = lessons(
        &format!("organization_id IN (SELECT organization_id FROM users WHERE id = {USER})"),
        "learner_id IN (SELECT id FROM learners WHERE organization_id = my_organization())",
    );
    case.changed("ALTER POLICY a ON learners USING (organization_id = my_organization())");
    case.says(
        "proof",
        "policy-wider-than-declared",
        "public.sessions",
        "the row is another user's",
    );
}

#[test]
fn a_generated_migration_of_membership_proves_clean_with_what_it_says_of_the_file() {
    // As the studio is before anybody wrote a policy, with open ones that have to go.
    let case = studio(
        "SELECT 1",
        &[],
        "true",
        "organization_id IS NOT NULL",
        "true",
    );
    let url = tcp_server().url(&case.database, "postgres");
    let generate = || {
        edu(
            case.project.path(),
            &["db", "rls", "generate", "--url", &url],
        )
        .expect(0)
        .stdout
    };
    let migration = generate();
    // Roles are a superuser's to give.
    session(&case.database).run(&format!(
        "{migration}; ALTER FUNCTION edu_is_member(text) OWNER TO form_owner"
    ));
    let said: Vec<&str> = migration
        .lines()
        .skip_while(|line| !line.contains("spec/access.toml has to say so"))
        .skip(1)
        .map_while(|line| line.strip_prefix("-- "))
        .collect();
    let path = case.project.path().join("spec/access.toml");
    let access = std::fs::read_to_string(path).unwrap();
    let said = said.join("\n");
    assert!(said.contains("policy-helper-unsafe"), "{migration}");
    case.project
        .write("spec/access.toml", &format!("{access}\n{said}\n"));
    case.clean();
}
