//! How long and how much memory reading a catalog takes, against `pg_dump --schema-only` of the same
//! database in the same run. Ignored: minutes long, and of use on a quiet machine and a release build
//! only: `cargo test --release --test it speed -- --ignored --nocapture`.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{Database, Template, database, runtime};

/// Ten columns, three indexes, four policies and a foreign key for each of `count` tables.
fn fill(db: &Database, count: usize) {
    let mut session = db.session("postgres");
    session.run("CREATE ROLE many NOLOGIN; CREATE TABLE public.root (id int PRIMARY KEY)");
    for chunk in 0..count.div_ceil(100) {
        let (from, to) = (chunk * 100 + 1, ((chunk + 1) * 100).min(count));
        session.run(&format!(
            "DO $$ BEGIN FOR n IN {from}..{to} LOOP
               EXECUTE format('CREATE TABLE public.t%s (id int PRIMARY KEY, tenant uuid NOT NULL, a text NOT NULL DEFAULT ''x'',
                   b int, c numeric(8,2), d timestamptz DEFAULT now(), e jsonb, f boolean DEFAULT false, g date, r int REFERENCES public.root (id))', n);
               EXECUTE format('CREATE INDEX ON public.t%1$s (tenant); CREATE INDEX ON public.t%1$s (a, b DESC); CREATE INDEX ON public.t%1$s (d) WHERE f', n);
               EXECUTE format('ALTER TABLE public.t%s ENABLE ROW LEVEL SECURITY', n);
               EXECUTE format('CREATE POLICY s ON public.t%1$s FOR SELECT TO many USING (tenant = NULLIF(current_setting(''app.t'', true), '''')::uuid);
                   CREATE POLICY i ON public.t%1$s FOR INSERT TO many WITH CHECK (tenant = NULLIF(current_setting(''app.t'', true), '''')::uuid);
                   CREATE POLICY u ON public.t%1$s FOR UPDATE TO many USING (tenant = NULLIF(current_setting(''app.t'', true), '''')::uuid);
                   CREATE POLICY d ON public.t%1$s FOR DELETE TO many USING (tenant = NULLIF(current_setting(''app.t'', true), '''')::uuid)', n);
               EXECUTE format('GRANT SELECT, INSERT ON public.t%s TO many', n);
             END LOOP; END $$"
        ));
    }
    session.run("ANALYZE");
}

/// `EDU_SPEED_BIN` names a release build.
fn program() -> String {
    std::env::var("EDU_SPEED_BIN").unwrap_or_else(|_| env!("CARGO_BIN_EXE_edu").to_owned())
}

fn edu() -> Command {
    Command::new(program())
}

/// The best of three.
fn time(mut command: impl FnMut() -> Command) -> Duration {
    (0..3)
        .map(|_| {
            let begun = Instant::now();
            let output = command().output().unwrap();
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
            begun.elapsed()
        })
        .min()
        .unwrap()
}

/// The most memory that reading the catalog held. Units: MB.
fn peak_mb(db: &Database) -> u64 {
    let script = "import resource, subprocess, sys\n\
                  subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n\
                  print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)";
    let output = Command::new("python3")
        .args([
            "-c",
            script,
            &program(),
            "db",
            "fingerprint",
            "--url",
            &db.url(),
        ])
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .unwrap_or(0)
}

#[expect(clippy::print_stdout, reason = "the figures are the result")]
fn compare(db: &Database, what: &str, ratio_max: f64) -> Option<String> {
    let dump = time(|| {
        let mut command = runtime().command("pg_dump");
        command.args(["--schema-only", "--file=/dev/null", &db.url()]);
        command
    });
    let read = time(|| {
        let mut command = edu();
        command.args(["db", "fingerprint", "--url", &db.url()]);
        command
    });
    let ratio = read.as_secs_f64() / dump.as_secs_f64();
    let peak = peak_mb(db);
    println!("{what}: edu {read:.2?}, pg_dump {dump:.2?}, ratio {ratio:.2}, {peak} MB");
    let missed = ratio > ratio_max || peak > 400;
    missed.then(|| format!("{what}: ratio {ratio:.2} of {ratio_max}, {peak} MB of 400"))
}

#[test]
#[ignore = "minutes long"]
fn reading_a_catalog_is_quicker_than_pg_dump() {
    let db = database(Template::Migrated);
    let mut wrong = Vec::new();
    wrong.extend(compare(&db, "16 tables", 0.5));
    drop(db);
    for (count, what) in [(1_000, "1,000 tables"), (10_000, "10,000 tables")] {
        let db = database(Template::Bare);
        db.run("CREATE EXTENSION age");
        fill(&db, count);
        wrong.extend(compare(&db, what, 0.3));
        drop(db);
        database(Template::Bare).run("DROP ROLE IF EXISTS many");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
