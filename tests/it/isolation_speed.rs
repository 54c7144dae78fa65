//! How long and how much memory isolation takes: every engine on this project's tables, static and proof on
//! 10,000 tables with 40,000 policies. Ignored: minutes long, and of use on a release build only
//! (`just bench-rls`).

use std::fmt::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{Database, Project, Template, database};

/// `EDU_SPEED_BIN` names a release build.
fn program() -> String {
    std::env::var("EDU_SPEED_BIN").unwrap_or_else(|_| env!("CARGO_BIN_EXE_edu").to_owned())
}

/// Two kinds of tables, each with a policy per command, an index, a foreign key and grants.
fn fill(db: &Database, count: usize) {
    let mut session = db.session("postgres");
    session.run("DROP ROLE IF EXISTS many_app, many_login, many_owner; CREATE ROLE many_owner NOLOGIN; CREATE ROLE many_app NOLOGIN; CREATE ROLE many_login LOGIN NOINHERIT;
        GRANT many_app TO many_login WITH INHERIT FALSE, SET TRUE; GRANT USAGE ON SCHEMA public TO many_app; GRANT USAGE, CREATE ON SCHEMA public TO many_owner;
        SET ROLE many_owner; CREATE TABLE public.tenant (id uuid PRIMARY KEY); ALTER TABLE public.tenant ENABLE ROW LEVEL SECURITY; ALTER TABLE public.tenant FORCE ROW LEVEL SECURITY;
        CREATE POLICY s ON public.tenant FOR SELECT TO many_app USING (id = NULLIF(current_setting('app.t', true), '')::uuid); GRANT SELECT ON public.tenant TO many_app");
    for chunk in 0..count.div_ceil(100) {
        let (from, to) = (chunk * 100 + 1, ((chunk + 1) * 100).min(count));
        session.run(&format!(
            "DO $$ DECLARE own text; BEGIN FOR n IN {from}..{to} LOOP
               own := CASE WHEN n % 4 = 0 THEN ' AND author = NULLIF(current_setting(''app.u'', true), '''')::uuid' ELSE '' END;
               EXECUTE format('CREATE TABLE public.t%s (id uuid PRIMARY KEY, tenant uuid NOT NULL REFERENCES public.tenant (id), author uuid NOT NULL, title text NOT NULL, at timestamptz)', n);
               EXECUTE format('CREATE INDEX ON public.t%1$s (tenant); ALTER TABLE public.t%1$s ENABLE ROW LEVEL SECURITY; ALTER TABLE public.t%1$s FORCE ROW LEVEL SECURITY', n);
               EXECUTE format('CREATE POLICY s ON public.t%1$s FOR SELECT TO many_app USING (tenant = NULLIF(current_setting(''app.t'', true), '''')::uuid);
                   CREATE POLICY i ON public.t%1$s FOR INSERT TO many_app WITH CHECK (tenant = NULLIF(current_setting(''app.t'', true), '''')::uuid%2$s);
                   CREATE POLICY u ON public.t%1$s FOR UPDATE TO many_app USING (tenant = NULLIF(current_setting(''app.t'', true), '''')::uuid%2$s);
                   CREATE POLICY d ON public.t%1$s FOR DELETE TO many_app USING (tenant = NULLIF(current_setting(''app.t'', true), '''')::uuid%2$s)', n, own);
               EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON public.t%s TO many_app', n);
             END LOOP; END $$"
        ));
    }
    session.run("RESET ROLE; REVOKE CREATE ON SCHEMA public FROM many_owner");
    // By itself it takes a transaction for each table, and not the locks of all at once.
    session.run("ANALYZE");
}

fn promise(count: usize) -> Project {
    let mut access = "root = \"public.tenant\"\nbypass = [\"many_owner\"]\n[[table]]\nname = \"public.tenant\"\ntenant = \"id\"\n\
        access.many_app = { select = \"tenant\", insert = \"deny\", update = \"deny\", delete = \"deny\" }\n".to_owned();
    for n in 1..=count {
        let rule = if n % 4 == 0 { "own" } else { "tenant" };
        let _ = write!(
            access,
            "[[table]]\nname = \"public.t{n}\"\ntenant = \"tenant\"\nowner = \"author\"\n\
            access.many_app = {{ select = \"tenant\", insert = \"{rule}\", update = \"{rule}\", delete = \"{rule}\" }}\n"
        );
    }
    let manifest = "name = \"many\"\n[roles]\nowner = \"many_owner\"\napplication = \"many_app\"\nlogin = \"many_login\"\n[context]\ntenant = \"app.t\"\nuser = \"app.u\"\n";
    Project::new(&[("edu.toml", manifest), ("spec/access.toml", &access)])
}

/// Time of the best of `rounds`, and the peak of memory. Units: MB.
fn measure(folder: &std::path::Path, args: &[&str], rounds: usize) -> (Duration, u64) {
    let script = "import resource, subprocess, sys\n\
                  code = subprocess.run(sys.argv[1:], stdout=sys.stderr).returncode\n\
                  print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)";
    let once = || {
        let begun = Instant::now();
        let output = Command::new("python3")
            .args(["-c", script, &program()])
            .args(args)
            .current_dir(folder)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (code, peak) = text.trim().split_once(' ').unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            code,
            "0",
            "{}",
            told.chars().take(2_000).collect::<String>()
        );
        (begun.elapsed(), peak.parse().unwrap())
    };
    (0..rounds).map(|_| once()).min().unwrap()
}

#[expect(clippy::print_stdout, reason = "the figures are the result")]
fn told(
    what: &str,
    (time, peak): (Duration, u64),
    seconds_max: f64,
    peak_max: u64,
) -> Option<String> {
    println!("{what}: {time:.2?}, {peak} MB");
    (time.as_secs_f64() > seconds_max || peak > peak_max)
        .then(|| format!("{what}: {time:.2?} of {seconds_max} s, {peak} of {peak_max} MB"))
}

#[test]
#[ignore = "minutes long"]
fn isolation_is_proved_in_seconds() {
    let mut wrong = Vec::new();
    let db = database(Template::Migrated);
    let here = measure(
        &Project::root(),
        &["db", "rls", "--here", "--url", &db.url()],
        5,
    );
    wrong.extend(told("this project, all engines", here, 2.0, 400));
    drop(db);
    let count = std::env::var("EDU_SPEED_TABLES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(10_000);
    let db = database(Template::Bare);
    fill(&db, count);
    let project = promise(count);
    let url = db.url();
    let args = ["db", "rls", "--engine", "static,proof", "--url", &url];
    let many = measure(project.path(), &args, 3);
    wrong.extend(told(
        &format!("{count} tables, static and proof"),
        many,
        5.0,
        400,
    ));
    drop(db);
    database(Template::Bare).run("DROP ROLE many_app, many_login, many_owner");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
